using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>How the soak stands, in one line that is written over again and again; on something that is no terminal a new one now and then.</summary>
internal sealed class ProgressLine(SoakOptions options, TextWriter output, bool isTerminal)
{
    private static readonly TimeSpan PlainPeriod = TimeSpan.FromSeconds(15);

    private TimeSpan _lastPlain = TimeSpan.MinValue;
    private int _width;

    /// <summary>Shows it.</summary>
    public void Show(TimeSpan elapsed, Sample? sample, Verifier verifier)
    {
        if (sample is null || (!isTerminal && _lastPlain != TimeSpan.MinValue && elapsed - _lastPlain < PlainPeriod))
        {
            return;
        }

        _lastPlain = elapsed;
        string broken = sample.Broken.Count > 0 ? $"  [{string.Join(", ", sample.Broken)}]" : "";
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{Clock(elapsed)} of {Clock(options.Duration)}  {sample.State}  lag {sample.LagSeconds:0.0} s  WAL {sample.WalBytes / 1e6:0.0} MB  TXID {sample.Txids:N0}  sent {sample.Bytes / 1e6:N0} MB  memory {sample.Memory / 1e6:0} MB  checks {verifier.Passed} ok, {verifier.Postponed} postponed, {verifier.Restores} restores{broken}");
        if (!isTerminal)
        {
            output.WriteLine(line);
            return;
        }

        int room = Math.Max(Console.BufferWidth - 1, 40);
        line = line.Length > room ? line[..room] : line;
        output.Write($"\r{line.PadRight(_width)}");
        _width = line.Length;
    }

    /// <summary>Leaves the line as it is and begins a new one.</summary>
    public void End()
    {
        if (_width > 0)
        {
            output.WriteLine();
        }

        _width = 0;
    }

    private static string Clock(TimeSpan time) => time.ToString(time.TotalDays >= 1 ? @"d\.hh\:mm\:ss" : @"hh\:mm\:ss", CultureInfo.InvariantCulture);
}
