namespace Litestream.Tests.EventWriter;

/// <summary>Events of the shape that GitHub's public timeline has, one after the other.</summary>
internal interface IEventSource
{
    /// <summary>The latest event's type.</summary>
    string Type { get; }

    /// <summary>The latest event's actor.</summary>
    string Actor { get; }

    /// <summary>The latest event's repository.</summary>
    string Repository { get; }

    /// <summary>The latest event's time, ISO 8601.</summary>
    string CreatedAt { get; }

    /// <summary>The latest event as JSON in UTF-8, good until the next one.</summary>
    ReadOnlySpan<byte> Json { get; }

    /// <summary>Takes the next event.</summary>
    void Next();
}
