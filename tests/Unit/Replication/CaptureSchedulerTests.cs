using Litestream.Replication;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>All databases of a process share a few threads.</summary>
public sealed class CaptureSchedulerTests : IDisposable
{
    private const int Databases = 40;
    private const int Stuck = 3;

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Many_databases_take_few_threads_and_those_that_are_stuck_hold_up_none_of_the_rest()
    {
        List<(CaptureRig Rig, CaptureLoop Loop)> all = [];
        using ManualResetEventSlim released = new(false);
        try
        {
            for (int i = 0; i < Databases; i++)
            {
                all.Add(await BeginAsync(_temporary[$"{i}.db"], _temporary[$"replica{i}"]));
            }

            using CountdownEvent waiting = new(Stuck);
            Task<bool>[] stuck = [.. all.Take(Stuck).Select(each => each.Loop.RunAsync(_ => Wait(waiting, released), CancellationToken.None))];
            await Until.HoldsAsync(() => waiting.IsSet);

            // Without being asked, and when asked.
            using (ApplicationProcess application = await ApplicationProcess.OpenAsync(_temporary[$"{Databases - 1}.db"]))
            {
                await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
                await Until.HoldsAsync(() => all[^1].Rig.Board.Own.CapturedTxid == 2);
            }

            ulong[] captured = await Task.WhenAll(all.Skip(Stuck).Select(each => each.Loop.CaptureNowAsync(CancellationToken.None)))
                .WaitAsync(TimeSpan.FromSeconds(60));

            Assert.All(captured.SkipLast(1), txid => Assert.Equal(1ul, txid));
            Assert.InRange(CaptureScheduler.Shared.Threads, 2, 17);
            Assert.All(stuck, task => Assert.False(task.IsCompleted));
            released.Set();
            await Task.WhenAll(stuck);
        }
        finally
        {
            released.Set();
            await Task.WhenAll(all.Select(each => each.Loop.StopAsync()));
            foreach ((CaptureRig rig, CaptureLoop loop) in all)
            {
                loop.Dispose();
                await rig.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_loop_that_fails_ends_with_its_error_and_the_others_go_on()
    {
        (CaptureRig rig, CaptureLoop loop) = await BeginAsync(_temporary["a.db"], _temporary["a"]);
        (CaptureRig other, CaptureLoop otherLoop) = await BeginAsync(_temporary["b.db"], _temporary["b"]);
        Task<int> failing = loop.RunAsync<int>(_ => throw new InvalidOperationException("broken"), CancellationToken.None);

        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidOperationException>(() => loop.Ended)).Message);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => loop.CaptureNowAsync(CancellationToken.None));
        Assert.Equal(1ul, await otherLoop.CaptureNowAsync(CancellationToken.None));

        await otherLoop.StopAsync();
        loop.Dispose();
        otherLoop.Dispose();
        await rig.DisposeAsync();
        await other.DisposeAsync();
    }

    private static bool Wait(CountdownEvent waiting, ManualResetEventSlim released)
    {
        waiting.Signal();
        released.Wait();
        return true;
    }

    private static async Task<(CaptureRig Rig, CaptureLoop Loop)> BeginAsync(string database, string replica)
    {
        using (Application application = new(database))
        {
            application.Fill(3);
        }

        CaptureRig rig = await CaptureRig.StartAsync(database, replica);
        ReplicationOptions options = new() { DatabasePath = database, Destinations = [Litestream.Storage.ReplicaLocation.Parse(replica)] };
        var loop = new CaptureLoop(rig.Session, rig.Staging, [], rig.Board, options, TimeProvider.System, CaptureScheduler.Shared);
        loop.Start();
        return (rig, loop);
    }
}
