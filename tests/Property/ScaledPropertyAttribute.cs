using FsCheck.Xunit;

namespace Litestream.Tests.Properties;

/// <summary>A property that is tried so many times, LITESTREAM_PROPERTY_SCALE times as often. A failure prints what FsCheck repeats it by.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ScaledPropertyAttribute : PropertyAttribute
{
    /// <summary>At a scale of 1.</summary>
    /// <param name="tests">How many inputs.</param>
    public ScaledPropertyAttribute(int tests)
    {
        Tests = tests;
        MaxTest = tests * PropertySettings.Scale;
    }

    /// <summary>How many inputs, at a scale of 1.</summary>
    public int Tests { get; }
}
