using System.ComponentModel;
using System.IO.Pipes;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Litestream.PowerShell.Control;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>Where the worker process begins; <c>Start-SqliteReplication</c> calls it, no one else needs to.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static partial class WorkerEntryPoint
{
    private const int ConnectTimeoutMilliseconds = 10_000;

    /// <summary>Serves one caller until its end of the pipe closes or SIGTERM comes, and returns after a last sync of everything.</summary>
    /// <param name="pipeName">The pipe on which the caller waits.</param>
    public static void Run(string pipeName)
    {
        // Ctrl-C in the caller's terminal goes to its whole process group. What it means is the caller's to say.
        if (!OperatingSystem.IsWindows())
        {
            _ = SetSession();
        }

        using CancellationTokenSource terminate = new();
        using TerminationSignals signals = new(terminate.Cancel, ignoreInterrupt: true);
        using NamedPipeClientStream pipe = new(
            ".", pipeName, PipeDirection.InOut, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
        pipe.Connect(ConnectTimeoutMilliseconds);
        if (!OperatingSystem.IsWindows())
        {
            // A connected socket needs its name no more.
            File.Delete(pipeName);
        }

        ServeAsync(pipe, terminate.Token).GetAwaiter().GetResult();
    }

    private static async Task ServeAsync(NamedPipeClientStream pipe, CancellationToken terminate)
    {
        HostedReplications replications = new();
        await using ConfiguredAsyncDisposable letGo = replications.ConfigureAwait(false);
        using WorkerSession session = new(pipe, replications, owner: true);
        ControlServer control = ControlServer.Open(replications);
        await using (control.ConfigureAwait(false))
        {
            await session.RunAsync(terminate).ConfigureAwait(false);
            Dictionary<int, ReplicationStatus> last = await replications.StopAllAsync().ConfigureAwait(false);
            if (terminate.IsCancellationRequested)
            {
                await session.SayLastWordsAsync(last).ConfigureAwait(false);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();
}
