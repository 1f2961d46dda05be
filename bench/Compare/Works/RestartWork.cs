using System.Diagnostics;

namespace Litestream.Bench.Compare.Works;

/// <summary>The program is killed; while it is down, a hundredth of the rows change and the WAL is reset; it is started again.</summary>
internal sealed class RestartWork : IWork
{
    private const string Name = "restart after a crash";

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    public async Task RunAsync(Bench bench)
    {
        foreach (ISubject subject in bench.Turns())
        {
            (string database, string replica) = await bench.PrepareAsync();
            using (Measured run = Measured.Start(subject.Replicate(database, replica)))
            {
                await run.UntilAsync(() => subject.Images(replica) > 0, Stopwatch.GetTimestamp());
                await Task.Delay(Settle);
                await run.CrashAsync();
            }

            string before = bench["copy.db"];
            Bench.Execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
            Files.CopyDurably(database, before);
            Bench.Execute(database, "UPDATE events SET actor = upper(actor) || 'x' WHERE id <= (SELECT max(id) / 100 FROM events); PRAGMA wal_checkpoint(TRUNCATE)");
            long changed = ChangedBytes(before, database);
            long bytes = Files.Bytes(replica);
            int files = subject.Images(replica) + subject.Changes(replica);
            long began = Stopwatch.GetTimestamp();
            using Measured again = Measured.Start(subject.Replicate(database, replica));
            bench.Figures.Add(
                Name, "wall s until it is sent", subject.Name, await again.UntilAsync(() => subject.Images(replica) + subject.Changes(replica) > files, began));
            await Task.Delay(Settle);
            bench.Figures.Add(Name, "bytes sent a changed byte", subject.Name, (Files.Bytes(replica) - bytes) / (double)changed);
            await again.StopAsync();
        }
    }

    private static long ChangedBytes(string before, string after)
    {
        const int page = 4096;
        using FileStream left = File.OpenRead(before);
        using FileStream right = File.OpenRead(after);
        byte[] a = new byte[page];
        byte[] b = new byte[page];
        long changed = 0;
        while (right.ReadAtLeast(b, page, throwOnEndOfStream: false) == page)
        {
            int read = left.ReadAtLeast(a, page, throwOnEndOfStream: false);
            changed += read == page && a.AsSpan().SequenceEqual(b) ? 0 : page;
        }

        return changed;
    }
}
