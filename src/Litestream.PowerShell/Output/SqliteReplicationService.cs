namespace Litestream.PowerShell;

/// <summary>A service that replicates.</summary>
public sealed record SqliteReplicationService
{
    /// <summary>Its name with the service manager.</summary>
    public required string Name { get; init; }

    /// <summary>Whose it is.</summary>
    public SqliteServiceKind Kind { get; init; }

    /// <summary>The script that it runs.</summary>
    public required string ScriptPath { get; init; }

    /// <summary>The unit, or the task's XML.</summary>
    public required string DefinitionPath { get; init; }

    /// <summary>Whether the service manager was told; with -OutputFolder it was not.</summary>
    public bool Registered { get; init; }

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}
