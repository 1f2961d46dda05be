using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Observation;

/// <summary>
/// Writes to the Application log of Windows what an operator should know of this process' replications. A service asks for it by an
/// environment variable; on other systems the journal has what a service puts out.
/// </summary>
/// <remarks>An entry of a source that nobody has registered is taken all the same; the Event Viewer then shows its text with a remark.</remarks>
[SupportedOSPlatform("windows")]
internal sealed partial class EventLog : IAsyncDisposable
{
    // winnt.h
    private const ushort ErrorType = 1;
    private const ushort WarningType = 2;
    private const ushort InformationType = 4;

    private readonly string _source;
    private readonly HostedReplications _replications;
    private readonly Dictionary<string, ReplicationWatcher> _watchers = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;

    /// <summary>Begins.</summary>
    /// <param name="source">Under which name.</param>
    /// <param name="replications">What this process replicates.</param>
    internal EventLog(string source, HostedReplications replications)
    {
        (_source, _replications) = (source, replications);
        _watching = Task.Run(() => StatusWatch.RunAsync(replications, (_, now) => Note(now), _end.Token));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _end.Dispose();
    }

    private void Note(ReplicationStatus now)
    {
        if (!_watchers.TryGetValue(now.DatabasePath, out ReplicationWatcher? watcher))
        {
            _watchers.Add(now.DatabasePath, watcher = new ReplicationWatcher());
        }

        if (watcher.Look(now, DateTimeOffset.UtcNow) is { } told)
        {
            _replications.Warn(this, TryWrite(told) ? null
                : $"Windows' event log did not take an entry: {Marshal.GetLastPInvokeErrorMessage()} Replication goes on.");
        }
    }

    private bool TryWrite(ReplicationEvent told)
    {
        nint log = RegisterEventSource(null, _source);
        if (log == 0)
        {
            return false;
        }

        ushort type = told.Kind switch
        {
            ReplicationEventKind.Failed => ErrorType,
            ReplicationEventKind.Troubled => WarningType,
            _ => InformationType,
        };
        bool written = ReportEvent(log, type, 0, (uint)told.Kind, 0, 1, 0, [told.Message], 0);
        int error = Marshal.GetLastPInvokeError();
        DeregisterEventSource(log);
        Marshal.SetLastPInvokeError(error);
        return written;
    }

    [LibraryImport("advapi32", EntryPoint = "RegisterEventSourceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    private static partial nint RegisterEventSource(string? server, string source);

    [LibraryImport("advapi32", EntryPoint = "ReportEventW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool ReportEvent(
        nint log, ushort type, ushort category, uint id, nint user, ushort strings, uint dataBytes, string[] text, nint data);

    [LibraryImport("advapi32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool DeregisterEventSource(nint log);
}
