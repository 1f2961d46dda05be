using System.Management.Automation;

namespace Litestream.Host;

/// <summary>Shows the newest progress on one line of the terminal, and takes it away again.</summary>
internal sealed class ProgressLine
{
    private const int BarCells = 20;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private int _shownCells;
    private long _shownAt;

    /// <summary>Shows how far an activity is; nothing where output is not a terminal.</summary>
    /// <param name="record">From the progress stream.</param>
    internal void Show(ProgressRecord record)
    {
        if (!Terminal.IsOutput || record.ParentActivityId >= 0)
        {
            return;
        }

        if (record.RecordType == ProgressRecordType.Completed)
        {
            Clear();
            return;
        }

        if (_shownCells > 0 && TimeProvider.System.GetElapsedTime(_shownAt) < Interval)
        {
            return;
        }

        string text = Fit(Text(record));
        int cells = Terminal.CellCount(text);
        Console.Out.Write($"\r{text}{new string(' ', Math.Max(0, _shownCells - cells))}");
        _shownCells = cells;
        _shownAt = TimeProvider.System.GetTimestamp();
    }

    /// <summary>Empties the line.</summary>
    internal void Clear()
    {
        if (_shownCells > 0)
        {
            Console.Out.Write($"\r{new string(' ', _shownCells)}\r");
            _shownCells = 0;
        }
    }

    private static string Text(ProgressRecord record)
    {
        string bar = "";
        if (record.PercentComplete >= 0)
        {
            int done = Math.Min(record.PercentComplete, 100) * BarCells / 100;
            bar = $" [{new string('=', done)}{new string(' ', BarCells - done)}] {record.PercentComplete,3} %";
        }

        string left = record.SecondsRemaining >= 0 ? $", {TimeSpan.FromSeconds(record.SecondsRemaining):c} left" : "";
        return $"{record.Activity}{bar} {record.StatusDescription}{left}".ReplaceLineEndings(" ");
    }

    private static string Fit(string text)
    {
        int length = text.Length;
        while (length > 0 && Terminal.CellCount(text.AsSpan(0, length)) >= Terminal.Width)
        {
            length--;
        }

        return text[..length];
    }
}
