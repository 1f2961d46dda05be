using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Sqlite;

/// <summary>
/// Where the thread that looks at WALs waits: until some time has passed, until it is rung for, and on Linux until the first write to a WAL that is
/// watched.
/// </summary>
/// <remarks>
/// A watch is an inotify(7) watch for one event. Whoever writes to the file, through whatever handle, makes it, and it is gone with that: those who
/// go on writing pay nothing. SQLite writes and truncates its WAL by system calls alone and never through a mapping, which inotify would not see.
/// <para>
/// Races. The kernel makes the event behind the write. So what was written before a watch was made is seen by a look that follows its making, and
/// what is written later is an event, which waits in the kernel until it is read: who makes the watch, then looks, then waits, misses nothing. A look
/// can see a write before its event is there: that is no proof of a watch that fails. The id of a watch is not used again, so a late event
/// is nobody else's. If more events wait than the kernel keeps, it says so instead: <see cref="Any"/>.
/// </para>
/// <para>
/// Handles. A watch goes by the path and opens nothing, so it can close nothing: the locks of the database and of <c>-shm</c>, which any closing of
/// those files in this process would drop, are not touched. It holds neither the file nor its file system in use. A crash takes all watches away.
/// </para>
/// <para>
/// Where none can be made (another system, no descriptor or watch left for this user, no such file), <see cref="Add"/> says so and waiting is as without.
/// Where a file system does not tell of writes, nothing here notices: who relies on a watch looks from time to time all the same.
/// </para>
/// Ring and dispose under a lock of the owner's; one thread waits, and that one disposes.
/// </remarks>
internal sealed unsafe partial class WalWatch : IDisposable
{
    /// <summary>In the place of an id: events were lost, so any of the files may have been written.</summary>
    public const int Any = -1;

    /// <summary>Any write, or change of length (inotify.h).</summary>
    public const uint Modify = 0x2;

    private const uint OneShot = 0x8000_0000;
    private const int CloseOnExecNonBlocking = 0x8_0800;
    private const short PollIn = 1;
    private const int BufferSize = 4096;

    private readonly uint _events;
    private readonly AutoResetEvent? _rung;
    private readonly SafeFileHandle? _inotify;
    private readonly SafeFileHandle? _bell; // an eventfd: poll(2) waits for descriptors alone

    private WalWatch(uint events)
    {
        _events = events;
        if (events != 0 && OperatingSystem.IsLinux())
        {
            _inotify = InotifyInit(CloseOnExecNonBlocking);
            _bell = EventFd(0, CloseOnExecNonBlocking);
        }

        if (_inotify is not { IsInvalid: false } || _bell is not { IsInvalid: false })
        {
            _inotify?.Dispose();
            _bell?.Dispose();
            (_inotify, _bell, _rung) = (null, null, new AutoResetEvent(false));
        }
    }

    /// <summary>Whether watches can be made at all.</summary>
    public bool CanWatch => _inotify is not null;

    /// <summary>Whether it is disposed of.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Begins, with watches where the system has them to give.</summary>
    /// <param name="events">What to watch for.</param>
    public static WalWatch Open(uint events = Modify) => new(events);

    /// <summary>What only waits and is rung for, as on systems without inotify.</summary>
    public static WalWatch WithoutWatches() => new(events: 0);

    /// <summary>Watches for the next write. The id of the watch; 0 if there is none.</summary>
    /// <param name="path">The WAL. Watched already, it keeps its id.</param>
    public int Add(string path) => _inotify is null ? 0 : Math.Max(0, InotifyAddWatch(_inotify, path, _events | OneShot));

    /// <summary>Ends a watch, which makes an event of its own; one that has ended already may be given too.</summary>
    /// <param name="watch">Its id.</param>
    public void Remove(int watch)
    {
        if (_inotify is not null)
        {
            _ = InotifyRemoveWatch(_inotify, watch);
        }
    }

    /// <summary>Ends the wait of the other thread, or its next one.</summary>
    public void Ring()
    {
        _rung?.Set();
        if (_bell is not null)
        {
            ulong one = 1;
            _ = Write(_bell, &one, sizeof(ulong));
        }
    }

    /// <summary>Waits.</summary>
    /// <param name="longest">How long at most; whole milliseconds, rounded up: a wait of less would spin.</param>
    /// <param name="ended">Gets the ids of watches that have ended: by a write, on request, or with their file.</param>
    public void Wait(TimeSpan longest, List<int> ended)
    {
        int milliseconds = Math.Max(0, (int)Math.Ceiling(longest.TotalMilliseconds));
        if (_inotify is null)
        {
            _rung!.WaitOne(milliseconds);
            return;
        }

        PollEntry* entries = stackalloc PollEntry[2];
        entries[0] = new PollEntry { Descriptor = (int)_bell!.DangerousGetHandle(), Events = PollIn };
        entries[1] = new PollEntry { Descriptor = (int)_inotify.DangerousGetHandle(), Events = PollIn };
        if (Poll(entries, 2, milliseconds) <= 0)
        {
            return; // time has passed, or a signal came: as if rung
        }

        if (entries[0].Returned != 0)
        {
            ulong rung;
            _ = Read(_bell, &rung, sizeof(ulong));
        }

        if (entries[1].Returned != 0)
        {
            ReadEvents(ended);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        IsClosed = true;
        _rung?.Dispose();
        _inotify?.Dispose();
        _bell?.Dispose();
    }

    // What does not fit waits for the next time.
    private void ReadEvents(List<int> ended)
    {
        byte* buffer = stackalloc byte[BufferSize];
        nint length = Read(_inotify!, buffer, BufferSize);
        for (nint at = 0; at < length;)
        {
            var next = (Event*)(buffer + at);
            ended.Add(next->Watch);
            at += sizeof(Event) + (int)next->NameLength;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Event
    {
        public int Watch;
        public uint Mask;
        public uint Cookie;
        public uint NameLength;
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1")]
    private static partial SafeFileHandle InotifyInit(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InotifyAddWatch(SafeFileHandle inotify, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch")]
    private static partial int InotifyRemoveWatch(SafeFileHandle inotify, int watch);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial SafeFileHandle EventFd(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(SafeFileHandle file, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle file, void* buffer, nuint count);
}
