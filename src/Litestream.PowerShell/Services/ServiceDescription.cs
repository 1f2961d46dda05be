namespace Litestream.PowerShell.Services;

/// <summary>What a service is to do, and as whom.</summary>
internal sealed record ServiceDescription
{
    /// <summary>Its name; letters, digits, <c>-</c>, <c>_</c> and <c>.</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The executable that runs PowerShell scripts.</summary>
    public required string Executable { get; init; }

    /// <summary>What goes before the ordinary arguments of pwsh.</summary>
    public IReadOnlyList<string> FirstArguments { get; init; } = [];

    /// <summary>Full path of the module's manifest.</summary>
    public required string Manifest { get; init; }

    /// <summary>The parameters of Start-SqliteReplication, each line a whole statement's part: see <see cref="ServiceScript"/>.</summary>
    public required string StartCommand { get; init; }

    /// <summary>Full path of the script that the service runs.</summary>
    public required string ScriptPath { get; init; }

    /// <summary>Full path of the folder that relative paths in a configuration are relative to.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>The user to run as; null for the usual one.</summary>
    public string? User { get; init; }

    /// <summary>The source under which it writes to Windows' event log; null for not at all.</summary>
    public string? EventSource { get; init; }

    /// <summary>The arguments of the executable.</summary>
    public IReadOnlyList<string> Arguments => [.. FirstArguments, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", ScriptPath];
}
