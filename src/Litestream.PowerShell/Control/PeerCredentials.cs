using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Litestream.PowerShell.Control;

/// <summary>Who is at the other end of a Unix socket, as the kernel knows it.</summary>
internal static partial class PeerCredentials
{
    private const int LinuxSocketLevel = 1; // SOL_SOCKET
    private const int LinuxPeerCredentials = 17; // SO_PEERCRED, struct ucred: pid, uid, gid

    /// <summary>Whether the other end is a process of our own user. Windows does not know; there the
    /// access list of the socket's folder has kept others out (<see cref="ClosedFolder"/>).</summary>
    /// <param name="socket">Connected.</param>
    internal static bool IsOurUser(Socket socket)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        if (!OperatingSystem.IsLinux())
        {
            return GetPeerUser((int)socket.Handle, out uint user, out _) == 0 && user == ControlFolder.UserId();
        }

        Span<byte> credentials = stackalloc byte[3 * sizeof(int)];
        return socket.GetRawSocketOption(LinuxSocketLevel, LinuxPeerCredentials, credentials) == credentials.Length
            && MemoryMarshal.Read<uint>(credentials[sizeof(int)..]) == ControlFolder.UserId();
    }

    [LibraryImport("libc", EntryPoint = "getpeereid")]
    private static partial int GetPeerUser(int socket, out uint user, out uint group);
}
