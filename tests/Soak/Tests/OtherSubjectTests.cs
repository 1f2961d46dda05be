using System.Text.Json;
using Xunit.Abstractions;

namespace Litestream.Tests.Soak;

/// <summary>The same scenarios with the real Litestream 0.3.13: the harness believes it where it is right, and catches it where it is not.</summary>
public sealed class OtherSubjectTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_replicator_that_falls_behind_is_caught()
    {
        if (await LitestreamAsync() is not { } litestream)
        {
            return;
        }

        JsonElement[] log = await SoakAsync(litestream, TimeSpan.FromHours(1), TimeSpan.FromSeconds(5));
        JsonElement failure = Assert.Single(log, line => line.GetProperty("event").GetString() == "failure");
        Assert.Equal("behind", failure.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_replicator_that_keeps_up_passes()
    {
        if (await LitestreamAsync() is not { } litestream)
        {
            return;
        }

        JsonElement[] log = await SoakAsync(litestream, TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(5));
        Assert.DoesNotContain(log, line => line.GetProperty("event").GetString() == "failure");
        Assert.Contains(log, line => line.GetProperty("event").GetString() == "check");
    }

    private async Task<string?> LitestreamAsync()
    {
        try
        {
            return await LitestreamSubject.InstallAsync();
        }
        catch (InvalidOperationException e)
        {
            output.WriteLine($"Not tried: {e.Message}");
            return null;
        }
    }

    private async Task<JsonElement[]> SoakAsync(string litestream, TimeSpan syncInterval, TimeSpan lagBound)
    {
        SQLitePCL.Batteries_V2.Init();
        using TemporaryFolder folder = new();
        SoakOptions options = new()
        {
            Duration = TimeSpan.FromSeconds(12),
            Seed = 3,
            Interval = TimeSpan.FromSeconds(4),
            Folder = folder["soak"],
            LagBound = lagBound,
            SoaksLitestream = true,
            SyncInterval = syncInterval,
        };
        using StringWriter said = new();
        await using (SoakRun run = new(options, litestream, said, isTerminal: false))
        {
            await run.RunAsync(CancellationToken.None);
        }

        output.WriteLine(said.ToString());
        return [.. File.ReadLines(folder["soak", "soak.jsonl"]).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }
}
