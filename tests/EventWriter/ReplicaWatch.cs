using System.Buffers.Binary;
using System.Globalization;

namespace Litestream.Tests.EventWriter;

/// <summary>
/// Watches a replica folder from outside for the next level-0 file, and notes when each became visible and how far into the
/// WAL it goes: offset, length and salts stand in the first 100 bytes of a file, big-endian, at 48, 56 and 64.
/// </summary>
internal sealed class ReplicaWatch : IDisposable
{
    private const int HeaderSize = 100;
    private const int NameLength = 37;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(0.5);

    // A name that is not the expected next one (a range, a gap after a base image) is found by listing, which is dear.
    private static readonly TimeSpan ListEvery = TimeSpan.FromMilliseconds(100);

    private readonly string _folder;
    private readonly List<Arrival> _arrivals = [];
    private readonly Lock _lock = new();
    private readonly Thread _thread;
    private volatile bool _end;
    private ulong _next;

    /// <summary>Begins to watch; what is there already is not counted.</summary>
    /// <param name="replica">The replica's folder. It need not exist yet.</param>
    public ReplicaWatch(string replica)
    {
        _folder = Path.Combine(replica, "ltx", "0");
        (_, _next) = Find(0) is { Count: > 0 } there ? (true, there[^1].Last + 1) : (false, 0);
        BeganEmpty = _next == 0;
        _thread = new Thread(Run) { IsBackground = true, Name = "replica watch" };
        _thread.Start();
    }

    /// <summary>There was no level-0 file when the watch began: what comes before the first lies in a base image.</summary>
    public bool BeganEmpty { get; }

    /// <summary>The files that became visible so far, in order of their transactions.</summary>
    public Arrival[] Arrivals
    {
        get
        {
            lock (_lock)
            {
                return [.. _arrivals];
            }
        }
    }

    public void Dispose()
    {
        _end = true;
        _thread.Join();
    }

    private void Run()
    {
        long listed = 0;
        while (!_end)
        {
            string expected = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{_next:x16}-{_next:x16}.ltx"));
            if (_next != 0 && File.Exists(expected))
            {
                Note(expected, _next);
                continue;
            }

            if (_next == 0 || TimeProvider.System.GetElapsedTime(listed) > ListEvery)
            {
                listed = TimeProvider.System.GetTimestamp();
                foreach ((string path, ulong last) in Find(_next))
                {
                    Note(path, last);
                }
            }

            PreciseSleep.For(Pause);
        }
    }

    private void Note(string path, ulong last)
    {
        long now = TimeProvider.System.GetTimestamp();
        Span<byte> header = stackalloc byte[HeaderSize];
        using (FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0))
        {
            file.ReadExactly(header);
        }

        long offset = BinaryPrimitives.ReadInt64BigEndian(header[48..]);
        long size = BinaryPrimitives.ReadInt64BigEndian(header[56..]);
        uint salt1 = BinaryPrimitives.ReadUInt32BigEndian(header[64..]);
        _next = last + 1;
        lock (_lock)
        {
            _arrivals.Add(new Arrival(now, salt1, offset, offset + size));
        }
    }

    private List<(string Path, ulong Last)> Find(ulong from)
    {
        List<(string Path, ulong First, ulong Last)> found = [];
        if (!Directory.Exists(_folder))
        {
            return [];
        }

        foreach (string path in Directory.EnumerateFiles(_folder, "*.ltx"))
        {
            string name = Path.GetFileName(path);
            if (name.Length == NameLength
                && ulong.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong first)
                && ulong.TryParse(name.AsSpan(17, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong last)
                && first >= from)
            {
                found.Add((path, first, last));
            }
        }

        return [.. found.OrderBy(file => file.First).Select(file => (file.Path, file.Last))];
    }

    /// <summary>One file of the replica.</summary>
    /// <param name="Time">Timestamp when it was seen.</param>
    /// <param name="Salt1">Generation of the WAL that it was captured from; 0 if it was not captured from a WAL.</param>
    /// <param name="Start">Offset in the WAL where its first frame begins.</param>
    /// <param name="End">Offset in the WAL where its last frame ends.</param>
    public readonly record struct Arrival(long Time, uint Salt1, long Start, long End);
}
