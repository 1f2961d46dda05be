using System.Globalization;

namespace Litestream.Tests.Properties;

/// <summary>How much is tried, and where it begins: from the environment.</summary>
internal static class PropertySettings
{
    /// <summary>LITESTREAM_PROPERTY_SCALE: so many times as much.</summary>
    public static int Scale => Setting("LITESTREAM_PROPERTY_SCALE");

    /// <summary>LITESTREAM_PROPERTY_SEED: where random ones begin.</summary>
    public static int Seed => Setting("LITESTREAM_PROPERTY_SEED");

    private static int Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1;
}
