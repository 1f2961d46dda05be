using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace Litestream.Tests.Soak;

/// <summary>The page that tells a soak: one file, everything in it, so that it opens without a network.</summary>
internal static class SoakReport
{
    private const string Template = "Litestream.Tests.Soak.Report.report.html";

    /// <summary>Writes it from a log.</summary>
    /// <param name="log">The log's path.</param>
    /// <param name="output">Of the page.</param>
    public static void Write(string log, string output)
    {
        SoakHistory history = SoakHistory.Read(log);
        using Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream(Template)!;
        using StreamReader reader = new(resource);
        string page = reader.ReadToEnd();
        foreach ((string name, string text) in Parts(history))
        {
            page = page.Replace($"<!--{name}-->", text, StringComparison.Ordinal);
        }

        File.WriteAllText(output, page);
    }

    private static IEnumerable<(string Name, string Text)> Parts(SoakHistory history)
    {
        bool passed = history.Failure is null && history.End.ValueKind == JsonValueKind.Object;
        double end = Math.Max(history.Samples.Select(sample => sample.Seconds).DefaultIfEmpty().Max(), history.FailedAt ?? 0);
        yield return ("verdict", passed ? "Nothing differed" : history.Failure is null ? "Not ended" : "Failed");
        yield return ("state", passed ? "passed" : "failed");
        yield return ("subject", history.Options.TryGetProperty("soaksLitestream", out JsonElement other) && other.GetBoolean() ? "Litestream 0.3.13" : "Litestream for PowerShell");
        yield return ("when", history.Begin.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        yield return ("command", WebUtility.HtmlEncode(CommandLine(history.Options)));
        yield return ("failure", history.Failure is { } failure ? Failure(failure) : "");
        yield return ("tiles", Tiles(history));
        yield return ("legend", string.Concat(history.Faults.Select(fault => fault.Name).Distinct().Order().Select(name => $"<span><i class='fault {name}'></i>{name}</span>")));
        yield return ("plots", string.Concat(Plots(history).Select(plot => plot.Draw(history, end))));
        yield return ("faults", Faults(history));
    }

    private static IEnumerable<Plot> Plots(SoakHistory history)
    {
        IReadOnlyList<Sample> samples = history.Samples;
        yield return new Plot("Lag", "seconds, as the replicator says", [.. samples.Select(sample => (sample.Seconds, Running(sample, sample.LagSeconds)))], "lag");
        yield return new Plot("Sync", "milliseconds that a check waited, with its database locked, until the newest commit was in the replica", [.. history.Checks.Zip(history.SyncMilliseconds, (at, wait) => (at, (double?)wait))], "sync");
        yield return new Plot("WAL", "MB, the largest", [.. samples.Select(sample => (sample.Seconds, (double?)(sample.WalBytes / 1e6)))], "wal");
        yield return new Plot("Databases", "MB, together", [.. samples.Select(sample => (sample.Seconds, (double?)(sample.DatabaseBytes / 1e6)))], "size");
        yield return new Plot("Sent", "MB a second", Rates(samples, sample => sample.Bytes / 1e6), "sent");
        yield return new Plot("Files", "a second", Rates(samples, sample => sample.Files), "files");
        if (samples.Any(sample => sample.Requests > 0))
        {
            yield return new Plot("Requests", "to the store, a second", Rates(samples, sample => sample.Requests), "requests");
        }

        yield return new Plot("Memory", "MB, all processes of the replicator", [.. samples.Select(sample => (sample.Seconds, Running(sample, sample.Memory / 1e6)))], "memory");
        yield return new Plot("Processor", "% of one", [.. samples.Select(sample => (sample.Seconds, sample.Cpu * 100))], "cpu");
        yield return new Plot("Descriptors", "open files", [.. samples.Select(sample => (sample.Seconds, Running(sample, sample.Descriptors)))], "descriptors");
    }

    private static double? Running(Sample sample, double value) => sample.Memory == 0 ? null : value;

    private static List<(double Seconds, double? Value)> Rates(IReadOnlyList<Sample> samples, Func<Sample, double> total)
    {
        List<(double, double?)> rates = [];
        for (int i = 1; i < samples.Count; i++)
        {
            double seconds = samples[i].Seconds - samples[i - 1].Seconds;
            rates.Add((samples[i].Seconds, seconds > 0 ? Math.Max(total(samples[i]) - total(samples[i - 1]), 0) / seconds : null));
        }

        return rates;
    }

    private static string Tiles(SoakHistory history)
    {
        if (history.End.ValueKind != JsonValueKind.Object)
        {
            return "";
        }

        double[] syncs = [.. history.SyncMilliseconds.Order()];
        (string Value, string Name)[] tiles =
        [
            (Count("checks"), "checks"),
            (Count("restores"), "restores compared"),
            (Count("postponed"), "checks postponed"),
            (history.Faults.Count.ToString("N0", CultureInfo.InvariantCulture), "faults"),
            ($"{Number("longestRecoverySeconds"):0.0} s", "longest recovery"),
            (Count("transactions"), "transactions"),
            ($"{Number("bytes") / 1e6:N0} MB", "sent"),
            (Count("files"), "files sent"),
            ($"{(syncs.Length == 0 ? 0 : syncs[syncs.Length / 2]):0} ms", "median sync of a check"),
            ($"{Number("peakWalBytes") / 1e6:0.0} MB", "largest WAL"),
            ($"{Number("peakMemory") / 1e6:0} MB", "most memory"),
            ($"{Number("meanCpu") * 100:0} %", "of a processor"),
        ];
        return string.Concat(tiles.Select(tile => $"<div><b>{WebUtility.HtmlEncode(tile.Value)}</b><span>{tile.Name}</span></div>"));

        double Number(string name) => history.End.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : 0;
        string Count(string name) => Number(name).ToString("N0", CultureInfo.InvariantCulture);
    }

    private static string Failure(JsonElement failure)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"<section class='why'><h2>{WebUtility.HtmlEncode(failure.GetProperty("kind").GetString())}</h2><p>{WebUtility.HtmlEncode(failure.GetProperty("message").GetString())}</p>");
        if (failure.TryGetProperty("details", out JsonElement details) && details.TryGetProperty("origins", out JsonElement origins))
        {
            text.Append("<table><tr><th>page</th><th>last written in level</th><th>file</th></tr>");
            foreach (JsonElement origin in origins.EnumerateArray())
            {
                string level = origin.TryGetProperty("level", out JsonElement known) ? known.ToString() : "none";
                string file = origin.TryGetProperty("file", out JsonElement name) ? name.ToString() : "";
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{origin.GetProperty("page")}</td><td>{level}</td><td><code>{WebUtility.HtmlEncode(file)}</code></td></tr>");
            }

            text.Append("</table>");
        }

        return text.Append("</section>").ToString();
    }

    private static string Faults(SoakHistory history)
    {
        if (history.Faults.Count == 0)
        {
            return "<p>Nothing was broken on purpose.</p>";
        }

        StringBuilder rows = new("<table><tr><th>at</th><th>fault</th><th></th><th>lasted</th><th>recovered after</th></tr>");
        foreach (FaultRecord fault in history.Faults)
        {
            rows.Append(CultureInfo.InvariantCulture, $"<tr><td>{Plot.Clock(fault.Begin)}</td><td><i class='fault {fault.Name}'></i>{fault.Name}</td><td>{WebUtility.HtmlEncode(fault.Detail)}</td><td>{fault.End - fault.Begin:0.0} s</td><td>{fault.Recovered - fault.End:0.0} s</td></tr>");
        }

        return rows.Append("</table>").ToString();
    }

    /// <summary>What to type to do the same again.</summary>
    private static string CommandLine(JsonElement options)
    {
        string[] kinds = [.. options.GetProperty("chaos").EnumerateArray().Select(kind => kind.GetString()!)];
        string chaos = kinds.Length == 0 ? "" : kinds.SequenceEqual(SoakFaults.Names) ? " -Chaos" : $" -Chaos {string.Join(',', kinds)}";
        string destination = options.TryGetProperty("destination", out JsonElement place) && place.GetString() is { } given ? $" -Destination '{given}'" : "";
        string subject = options.TryGetProperty("soaksLitestream", out JsonElement other) && other.GetBoolean() ? " -Subject litestream" : "";
        string sync = subject.Length > 0 ? $" -SyncInterval {Seconds("syncInterval")}s" : "";
        return $"dotnet run -c Release --project tests/Soak -- -Duration {Seconds("duration")}s -Seed {options.GetProperty("seed")} -Databases {options.GetProperty("databases")} -Rate {options.GetProperty("rate")} -Interval {Seconds("interval")}s -LagBound {Seconds("lagBound")}s{destination}{chaos}{subject}{sync}";

        string Seconds(string name) =>
            TimeSpan.Parse(options.GetProperty(name).GetString()!, CultureInfo.InvariantCulture).TotalSeconds.ToString(CultureInfo.InvariantCulture);
    }
}
