using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Pipes;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Security.Cryptography;
using System.Text;
using Litestream.Diagnostics;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// The caller's side: a worker process and the pipe to it. Thread-safe. The process is bound to ours by the pipe alone: when this end
/// closes, because it is disposed or because our process is gone, the worker does a last sync and ends.
/// </summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private const int NameBytes = 8;
    private const int KeptErrorLines = 20;

    /// <summary>The shortest sun_path of the systems we run on (macOS), its end mark included.</summary>
    private const int MaxSocketPathBytes = 104;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly NamedPipeServerStream _pipe;
    private readonly ConcurrentQueue<string> _errorLines = [];
    private readonly WorkerChannel _channel;
    private Task _reading = Task.CompletedTask;

    private WorkerProcess(Process process, NamedPipeServerStream pipe)
    {
        _process = process;
        _pipe = pipe;
        _channel = new WorkerChannel(pipe);
    }

    /// <summary>Its process id.</summary>
    internal int ProcessId { get; private set; }

    /// <summary>Why nothing can be asked of it any more; null while it serves.</summary>
    internal string? EndMessage { get; private set; }

    /// <summary>When that became known (UTC).</summary>
    internal DateTimeOffset EndedAt { get; private set; }

    /// <summary>What a worker that ended on a signal said last; null if it said nothing.</summary>
    internal IReadOnlyDictionary<int, ReplicationStatus>? LastWords => _channel.LastWords;

    /// <summary>Starts a worker and waits until it has connected.</summary>
    /// <param name="executable">What to run it in.</param>
    /// <param name="cancellationToken">Gives up and ends the process.</param>
    /// <exception cref="ReplicationException">It did not come up; the message holds what it wrote.</exception>
    internal static async Task<WorkerProcess> StartAsync(WorkerExecutable executable, CancellationToken cancellationToken)
    {
        string name = PipeName();
        NamedPipeServerStream pipe = new(
            name, PipeDirection.InOut, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
        WorkerProcess worker = new(new Process { StartInfo = StartInfo(executable, name) }, pipe);
        try
        {
            worker.Launch(executable);
            await worker.ConnectAsync(cancellationToken).ConfigureAwait(false);
            return worker;
        }
        catch
        {
            await pipe.DisposeAsync().ConfigureAwait(false);
            worker._process.Dispose();
            throw;
        }
    }

    /// <summary>Asks something and waits for the answer.</summary>
    /// <param name="kind">What.</param>
    /// <param name="configure">Completes the request.</param>
    /// <param name="cancellationToken">Gives up waiting; the worker goes on with it.</param>
    /// <returns>The replications that it was about.</returns>
    /// <exception cref="ReplicationException">The worker refused it, or has ended.</exception>
    internal async Task<IReadOnlyDictionary<int, ReplicationStatus>> AskAsync(
        WorkerRequestKind kind, Func<WorkerRequest, WorkerRequest>? configure, CancellationToken cancellationToken) =>
        (await RequestAsync(kind, configure, cancellationToken).ConfigureAwait(false)).Statuses;

    /// <summary>What the process has measured since it began.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal async Task<IReadOnlyList<MetricSample>> ReadMetricsAsync(CancellationToken cancellationToken) =>
        (await RequestAsync(WorkerRequestKind.Metrics, null, cancellationToken).ConfigureAwait(false)).Metrics ?? [];

    private async Task<WorkerReply> RequestAsync(
        WorkerRequestKind kind, Func<WorkerRequest, WorkerRequest>? configure, CancellationToken cancellationToken)
    {
        if (EndMessage is not null)
        {
            throw Ended();
        }

        try
        {
            return await _channel.AskAsync(kind, configure, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            await _reading.ConfigureAwait(false);
            throw Ended();
        }
    }

    /// <summary>Lets the worker end and waits a moment for it.</summary>
    public async ValueTask DisposeAsync()
    {
        SetEnd("The worker process has ended because nothing was left to replicate.");
        await _pipe.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        using CancellationTokenSource limit = new(EndLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It ends by itself when its last sync is done.
        }

        _process.Dispose();
    }

    /// <summary>
    /// A name that nobody guesses; on Unix the path of a socket, known to both sides so that the worker can remove it once connected:
    /// were the caller killed later, nobody else would.
    /// </summary>
    private static string PipeName()
    {
        string name = WorkerProtocol.PipePrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameBytes));
        if (OperatingSystem.IsWindows())
        {
            return name;
        }

        string path = Path.Combine(Path.GetTempPath(), name);
        return Encoding.UTF8.GetByteCount(path) < MaxSocketPathBytes ? path : Path.Combine("/tmp", name);
    }

    private static ProcessStartInfo StartInfo(WorkerExecutable executable, string pipeName)
    {
        string manifest = Path.Combine(Path.GetDirectoryName(typeof(WorkerProcess).Assembly.Location)!, "Litestream.psd1");
        string literal = CodeGeneration.EscapeSingleQuotedStringContent(WildcardPattern.Escape(manifest));
        ProcessStartInfo info = new(executable.Path)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            CreateNoWindow = true,
        };
        string[] arguments =
        [
            .. executable.Arguments,
            "-NoLogo", "-NoProfile", "-NonInteractive", "-Command",
            $"Import-Module '{literal}'; [{typeof(WorkerEntryPoint).FullName}]::Run('{CodeGeneration.EscapeSingleQuotedStringContent(pipeName)}')",
        ];
        Array.ForEach(arguments, info.ArgumentList.Add);
        // Idle threads of the pool shall not spin: many small waits make up a replication, beside an application that wants the processor.
        info.Environment["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0";
        info.Environment.TryAdd("DOTNET_GCgen0size", "0x1000000"); // 16 MiB of garbage instead of what the processor's cache would allow
        info.Environment["NO_COLOR"] = "1";
        info.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        info.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        return info;
    }

    private void Launch(WorkerExecutable executable)
    {
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        try
        {
            _process.Start();
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException)
        {
            throw new ReplicationException(
                ErrorTable.WorkerStartFailed, $"'{executable.Path}' cannot be run as the worker process: {exception.Message}", exception);
        }

        ProcessId = _process.Id;
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        Task connecting = _pipe.WaitForConnectionAsync(limit.Token);
        Task exiting = _process.WaitForExitAsync(limit.Token);
        Task first = await Task.WhenAny(connecting, exiting).ConfigureAwait(false);
        if (first == connecting && connecting.IsCompletedSuccessfully)
        {
            await limit.CancelAsync().ConfigureAwait(false);
            await exiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _channel.Open();
            _reading = Task.Run(ObserveEndAsync, CancellationToken.None);
            return;
        }

        bool exited = first == exiting && exiting.IsCompletedSuccessfully;
        if (!exited)
        {
            _process.Kill(entireProcessTree: true);
        }

        cancellationToken.ThrowIfCancellationRequested();
        string what = exited ? $"ended with exit code {_process.ExitCode}" : $"did not connect within {StartLimit.TotalSeconds:0} s";
        throw new ReplicationException(ErrorTable.WorkerStartFailed, $"The worker process {what} before it was ready.{Output()}");
    }

    private async Task ObserveEndAsync()
    {
        string? malformed = await _channel.Ended.ConfigureAwait(false);
        SetEnd(EndMessage ?? await EndMessageAsync(malformed).ConfigureAwait(false));
        _channel.Fail(Ended());
    }

    private void SetEnd(string message)
    {
        if (EndMessage is null)
        {
            EndedAt = TimeProvider.System.GetUtcNow();
            EndMessage = message;
        }
    }

    private ReplicationException Ended() => new(ErrorTable.WorkerEnded, EndMessage!);

    private async Task<string> EndMessageAsync(string? malformed)
    {
        if (malformed is not null)
        {
            await _pipe.DisposeAsync().ConfigureAwait(false);
            return $"The worker process {ProcessId} answered what this version does not understand ({malformed}) and has been let go.";
        }

        using CancellationTokenSource limit = new(EndLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return $"The worker process {ProcessId} has closed its pipe; replication in it has ended.{Output()}";
        }

        string how = LastWords is null ? $"ended unexpectedly with exit code {_process.ExitCode}" : "was told to end by a signal";
        return $"The worker process {ProcessId} {how}; replication has stopped. The database is untouched and the replica holds what the "
            + $"status shows: start the replication again, and it continues from there.{Output()}";
    }

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return;
        }

        _errorLines.Enqueue(line);
        while (_errorLines.Count > KeptErrorLines)
        {
            _errorLines.TryDequeue(out _);
        }
    }

    private string Output() => _errorLines.IsEmpty ? "" : $" It wrote: {string.Join(Environment.NewLine, _errorLines)}";
}
