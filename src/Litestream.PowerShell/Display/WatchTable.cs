using System.Globalization;
using System.Text;
using Litestream.Replication;

namespace Litestream.PowerShell;

/// <summary>A table of replications that is drawn over itself: each drawing begins where the last one did.</summary>
internal sealed class WatchTable
{
    private const string ClearLine = "\e[K";
    private const string ClearBelow = "\e[J";
    private const string Plain = "\e[0m";
    private const int FixedWidth = 10 + 9 + 10 + 10 + 12 + 14;
    private const int NarrowestPath = 10;
    private const int LinesBelow = 4; // a reason, the last line, the cursor's, one to spare

    private readonly Dictionary<(string, int), (long Bytes, DateTime At)> _sent = [];
    private int _lines;

    /// <summary>The text that draws the table, terminal sequences included.</summary>
    /// <param name="replications">In the order in which they are shown.</param>
    /// <param name="width">Columns of the terminal; no line is longer.</param>
    /// <param name="height">Lines of the terminal; what does not fit is counted.</param>
    /// <param name="now">The time (local).</param>
    internal string Draw(IReadOnlyList<SqliteReplication> replications, int width, int height, DateTime now)
    {
        StringBuilder text = new();
        if (_lines > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\e[{_lines}A\r");
        }

        _lines = 0;
        int path = Math.Max(NarrowestPath, (width - 1 - FixedWidth) / 2);
        AddLine(text, Row("State", "TXID", "Lag", "Pending", "Rate", "Verified", "Database", "Destination", path), width, "\e[1m");
        int shown = 0;
        foreach (SqliteReplication replication in replications.TakeWhile(_ => _lines < height - LinesBelow))
        {
            shown++;
            string verified = replication.LastVerifiedAt is { } at ? Readable.Duration(now - at < TimeSpan.Zero ? TimeSpan.Zero : now - at) + " ago" : "";
            AddLine(
                text,
                Row(
                    replication.State.ToString(),
                    replication.ReplicaTxid.ToString(CultureInfo.InvariantCulture),
                    Readable.Duration(replication.Lag),
                    Readable.Size(replication.LagBytes),
                    Rate(replication, now),
                    verified,
                    Shorten(replication.Path, path),
                    Shorten(replication.Destination, path),
                    path),
                width,
                ColourOf(replication.State));
            if (Reason(replication) is { } reason)
            {
                AddLine(text, "  " + reason, width, "\e[2m");
            }
        }

        string more = shown < replications.Count ? FormattableString.Invariant($"{replications.Count - shown} more; ") : "";
        AddLine(text, replications.Count == 0 ? "Nothing is replicated." : FormattableString.Invariant($"{more}{now:HH:mm:ss}, Ctrl-C ends"), width, "\e[2m");
        return text.Append(ClearBelow).ToString();
    }

    private static string? Reason(SqliteReplication replication) => replication.State switch
    {
        ReplicationState.Retrying or ReplicationState.Faulted => replication.LastError,
        ReplicationState.Damaged => replication.LastVerifyError,
        _ => replication.Detail,
    };

    private static string ColourOf(ReplicationState state) => state switch
    {
        ReplicationState.Streaming => "\e[32m",
        ReplicationState.Faulted or ReplicationState.Damaged => "\e[31m",
        _ => "\e[33m",
    };

    private static string Row(string state, string txid, string lag, string pending, string rate, string verified, string database, string destination, int path) =>
        $"{state,-9} {txid,8} {lag,9} {pending,9} {rate,11} {verified,13}  {database.PadRight(path)} {destination}";

    // The end of a path tells more than its beginning.
    private static string Shorten(string text, int length) => text.Length <= length ? text : "…" + text[^(length - 1)..];

    private void AddLine(StringBuilder text, string line, int width, string colour)
    {
        string single = line.ReplaceLineEndings(" ");
        text.Append(colour).Append(single.Length < width ? single : single[..(width - 1)]).Append(Plain).Append(ClearLine).Append('\n');
        _lines++;
    }

    private string Rate(SqliteReplication replication, DateTime now)
    {
        (string, int) key = (replication.Path, replication.ProcessId);
        string rate = _sent.TryGetValue(key, out (long Bytes, DateTime At) last) && now > last.At
            ? Readable.Rate(Math.Max(0, replication.BytesUploaded - last.Bytes), now - last.At)
            : "";
        _sent[key] = (replication.BytesUploaded, now);
        return rate;
    }
}
