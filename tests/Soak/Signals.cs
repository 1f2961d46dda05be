using System.Runtime.InteropServices;

namespace Litestream.Tests.Soak;

/// <summary>Signals to processes that the harness started.</summary>
internal static partial class Signals
{
    private const int SIGKILL = 9;
    private const int SIGTERM = 15;

    /// <summary>Asks a process to end. It may have ended already.</summary>
    public static void Terminate(int processId) => _ = Kill(processId, SIGTERM);

    /// <summary>Ends a process at once. It may have ended already.</summary>
    public static void Kill(int processId) => _ = Kill(processId, SIGKILL);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
