using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;

namespace Litestream.Host;

/// <summary>
/// Ctrl-C, SIGTERM and SIGHUP stop the running pipeline, so that its <c>finally</c> blocks run; after the last two the session ends.
/// While nothing runs they do what they do by default.
/// </summary>
/// <remarks>
/// A command that ends in order by itself on SIGTERM (<c>Start-SqliteReplication -Wait</c>) sets the application context's
/// <see cref="HandlesTermination"/> meanwhile; then the script goes on after it and says how it ends.
/// </remarks>
internal sealed class Interruption : IDisposable
{
    /// <summary>Key of the application context under which a running command says that it sees to SIGTERM itself.</summary>
    internal const string HandlesTermination = "Litestream.HandlesTermination";

    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration[] _registrations;
    private Pipeline? _running;

    internal Interruption()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, exitCode: null)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, Host.ExitCode.Terminated)),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Stop(context, Host.ExitCode.Hangup)),

            // Ctrl-Break on Windows, which would end the process without a last sync. Elsewhere it asks for a core dump and stays that.
            .. OperatingSystem.IsWindows() ? [PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context => Stop(context, exitCode: null))] : (PosixSignalRegistration[])[],
        ];
    }

    /// <summary>The running pipeline has been asked to stop.</summary>
    internal bool Requested { get; private set; }

    /// <summary>With what the process ends because of a signal; null if none ended the session.</summary>
    internal int? ExitCode { get; private set; }

    /// <summary>Makes a pipeline the one that is stopped, until the result is disposed.</summary>
    /// <param name="pipeline">About to run.</param>
    internal IDisposable Watch(Pipeline pipeline)
    {
        lock (_gate)
        {
            _running = pipeline;
        }

        return new Watched(this);
    }

    /// <summary>Forgets a Ctrl-C that has been served.</summary>
    internal void Reset() => Requested = false;

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void Stop(PosixSignalContext context, int? exitCode)
    {
        lock (_gate)
        {
            if (_running is null)
            {
                return;
            }

            context.Cancel = true;
            if (exitCode is not null && AppContext.GetData(HandlesTermination) is true)
            {
                return;
            }

            Requested = true;
            ExitCode ??= exitCode;
            _running.StopAsync();
        }
    }

    private sealed class Watched(Interruption owner) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._running = null;
            }
        }
    }
}
