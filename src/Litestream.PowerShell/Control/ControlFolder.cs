using System.Runtime.InteropServices;

namespace Litestream.PowerShell.Control;

/// <summary>
/// Where the processes of one user that replicate keep the sockets through which the user's other sessions reach them. The place is the
/// same for every process of the user, whatever its environment, so that a login session finds a service.
/// </summary>
/// <remarks>
/// On Unix it is <c>/tmp/litestream-&lt;uid&gt;</c>. Anybody can make an entry of that name in <c>/tmp</c>, so it is believed only if it
/// is a real folder, not a link, that is ours and closed to everybody else; since <c>/tmp</c> is sticky, nobody but us can put another
/// in its place afterwards. On Windows it lies in the user's own profile, and its access list lets nobody else in: see
/// <see cref="ClosedFolder"/>.
/// </remarks>
internal static partial class ControlFolder
{
    /// <summary>Environment variable with another place, for instance where each process has a <c>/tmp</c> of its own.</summary>
    internal const string Variable = "LITESTREAM_CONTROL_FOLDER";

    private const string Extension = ".sock";
    private const int TypeMask = 0xF000;
    private const int Directory = 0x4000;
    private const int Others = 0x3F;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Full path of the folder.</summary>
    internal static string Path => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen
        ? System.IO.Path.GetFullPath(chosen)
        : OperatingSystem.IsWindows()
            ? System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "Litestream", "run")
            : System.IO.Path.Combine("/tmp", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"litestream-{UserId()}"));

    /// <summary>Our process' socket.</summary>
    internal static string OwnSocket => System.IO.Path.Combine(Path, Environment.ProcessId + Extension);

    /// <summary>This user's id; 0 on Windows, where the folder's access list tells users apart.</summary>
    internal static uint UserId() => OperatingSystem.IsWindows() ? 0 : GetEffectiveUserId();

    /// <summary>Makes the folder, or proves that what stands there is ours alone.</summary>
    /// <exception cref="IOException">It is somebody else's, or open to others.</exception>
    internal static void Create()
    {
        if (OperatingSystem.IsWindows())
        {
            ClosedFolder.Create(Path);
        }
        else
        {
            System.IO.Directory.CreateDirectory(Path, OwnerOnly);
        }

        EnsureOurs();
    }

    /// <summary>The sockets of processes that replicate, or have, by process id.</summary>
    /// <exception cref="IOException">The folder is somebody else's, or open to others.</exception>
    internal static IReadOnlyList<(int ProcessId, string Socket)> Sockets()
    {
        if (!System.IO.Directory.Exists(Path))
        {
            return [];
        }

        EnsureOurs();
        return
        [
            .. System.IO.Directory.EnumerateFiles(Path, "*" + Extension)
                .Select(socket => (Known: int.TryParse(System.IO.Path.GetFileNameWithoutExtension(socket), out int id), Id: id, Socket: socket))
                .Where(entry => entry.Known)
                .OrderBy(entry => entry.Id)
                .Select(entry => (entry.Id, entry.Socket)),
        ];
    }

    private static void EnsureOurs()
    {
        if (OperatingSystem.IsWindows())
        {
            if (ClosedFolder.Distrust(Path) is { } reason)
            {
                throw new IOException(
                    $"'{Path}' is not a folder that belongs to this user alone: {reason}. Remove it, or name another in {Variable}.");
            }

            return;
        }

        if (LStat(Path, out UnixStatus status) != 0)
        {
            throw new IOException($"'{Path}' cannot be looked at: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        bool ours = (status.Mode & TypeMask) == Directory && status.Uid == GetEffectiveUserId() && (status.Mode & Others) == 0;
        if (!ours)
        {
            throw new IOException(
                $"'{Path}' is not a folder that belongs to this user alone (mode 0700). Remove it, or name another in {Variable}.");
        }
    }

    // The runtime's own portable stat: one layout on every Unix and processor (FileStatus in Interop.Stat.cs of .NET 10).
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct UnixStatus
    {
        public int Flags;
        public int Mode;
        public uint Uid;
        public uint Gid;
        public fixed long Rest[16]; // sizes, times and numbers, with room should a later runtime append a field
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_LStat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int LStat(string path, out UnixStatus status);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
