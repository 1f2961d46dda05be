using System.Text.Json;
using Xunit.Abstractions;

namespace Litestream.Tests.Soak;

/// <summary>The whole harness at the size of a test run: two databases, everything that can be broken here, under a minute.</summary>
public sealed class ShortSoakTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task A_soak_with_chaos_ends_with_nothing_different_and_tells_so()
    {
        SQLitePCL.Batteries_V2.Init();
        using TemporaryFolder folder = new();
        SoakOptions options = new()
        {
            Duration = Duration,
            Seed = 20,
            Databases = 2,
            Interval = TimeSpan.FromSeconds(3),
            Folder = folder["soak"],
            Chaos = SoakFaults.Names,
            LagBound = TimeSpan.FromMinutes(5), // a machine that runs other tests beside
        };
        using StringWriter said = new();
        bool passed;
        await using (SoakRun run = new(options, litestream: null, said, isTerminal: false))
        {
            passed = await run.RunAsync(CancellationToken.None);
        }

        output.WriteLine(said.ToString());
        Assert.True(passed, said.ToString());
        JsonElement[] log = [.. File.ReadLines(folder["soak", "soak.jsonl"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
        JsonElement[] checks = [.. Of(log, "check")];
        Assert.Equal(["db0", "db1"], checks.Select(check => check.GetProperty("database").GetString()!).Distinct().Order());
        Assert.All(checks, check => Assert.Equal(32, check.GetProperty("md5").GetString()!.Length));
        Assert.NotEmpty(Of(log, "recovered"));
        Assert.Empty(Of(log, "failure"));
        JsonElement end = Assert.Single(Of(log, "end"));
        Assert.True(end.GetProperty("passed").GetBoolean());
        Assert.True(end.GetProperty("restores").GetInt32() >= 2 * checks.Length);

        string page = await File.ReadAllTextAsync(folder["soak", "report.html"]);
        Assert.Contains("Nothing differed", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<!--", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal); // it opens without a network
    }

    private static IEnumerable<JsonElement> Of(JsonElement[] log, string kind) => log.Where(line => line.GetProperty("event").GetString() == kind);
}
