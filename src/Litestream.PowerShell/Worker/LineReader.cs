using System.Text;

namespace Litestream.PowerShell.Worker;

/// <summary>Reads lines that another process writes, each no longer than a limit: whoever writes on for ever does not fill our memory.</summary>
/// <param name="stream">UTF-8 lines, each ended by a line feed.</param>
/// <param name="maxBytes">The longest line.</param>
internal sealed class LineReader(Stream stream, int maxBytes)
{
    /// <summary>Longest request from the process that started us; it carries all settings of one replication.</summary>
    internal const int MaxOwnerLine = 4 << 20;

    /// <summary>Longest request from anybody else: a number or two.</summary>
    internal const int MaxControlLine = 4 << 10;

    /// <summary>Longest reply: the statuses of some ten thousand databases.</summary>
    internal const int MaxReplyLine = 64 << 20;

    private byte[] _buffer = new byte[Math.Min(maxBytes, 4 << 10)];
    private int _start;
    private int _end;

    /// <summary>The next line; null at the end of the stream. A last line without a line feed is none.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">A line is too long, or the stream failed.</exception>
    internal async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        int searched = _start;
        while (true)
        {
            int found = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (found >= 0)
            {
                string line = Encoding.UTF8.GetString(_buffer, _start, searched + found - _start);
                _start = searched + found + 1;
                return line;
            }

            int length = _end - _start;
            MakeRoom(length);
            searched = length;
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            _end += read;
        }
    }

    private void MakeRoom(int length)
    {
        if (length >= maxBytes)
        {
            throw new IOException($"A line of more than {maxBytes} bytes.");
        }

        byte[] target = length < _buffer.Length ? _buffer : new byte[Math.Min(maxBytes, _buffer.Length * 2)];
        Buffer.BlockCopy(_buffer, _start, target, 0, length);
        (_buffer, _start, _end) = (target, 0, length);
    }
}
