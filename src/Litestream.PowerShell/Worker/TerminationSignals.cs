using System.Runtime.InteropServices;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// While it lives, SIGTERM and SIGHUP call for an orderly end instead of ending the process. It tells the host through the application
/// context, so that a host which itself stops pipelines on SIGTERM leaves this one to us.
/// </summary>
internal sealed class TerminationSignals : IDisposable
{
    /// <summary>Key of the application context that <c>Litestream.Host</c> looks at.</summary>
    private const string HandlesTermination = "Litestream.HandlesTermination";

    private static int _living;

    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Begins to listen.</summary>
    /// <param name="requested">Called on a signal, on a thread of the pool.</param>
    /// <param name="ignoreInterrupt">Do nothing on Ctrl-C and its kind.</param>
    internal TerminationSignals(Action requested, bool ignoreInterrupt)
    {
        Register(PosixSignal.SIGTERM, requested);
        Register(PosixSignal.SIGHUP, requested);
        if (ignoreInterrupt)
        {
            Register(PosixSignal.SIGINT, () => { });
            Register(PosixSignal.SIGQUIT, () => { });
        }

        Interlocked.Increment(ref _living);
        AppContext.SetData(HandlesTermination, true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        if (Interlocked.Decrement(ref _living) == 0)
        {
            AppContext.SetData(HandlesTermination, false);
        }
    }

    private void Register(PosixSignal signal, Action action) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        }));
}
