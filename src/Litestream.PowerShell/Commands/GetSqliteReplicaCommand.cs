using System.Management.Automation;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>Lists the files of a replica.</summary>
[Cmdlet(VerbsCommon.Get, "SqliteReplica")]
[OutputType(typeof(ReplicaFile))]
public sealed class GetSqliteReplicaCommand : PSCmdlet
{
    /// <summary>The replica's place: a folder path or a <c>file://</c> URL.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public string Source { get; set; } = "";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        using IDisposable? nothing = null;
        WriteObject(ReplicaLocation.Open(Source).Location);
    }
}
