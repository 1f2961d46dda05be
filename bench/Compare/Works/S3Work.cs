using System.Diagnostics;
using System.Globalization;
using Litestream.Ltx;
using Litestream.Storage;
using Litestream.Tests.S3;

namespace Litestream.Bench.Compare.Works;

/// <summary>
/// Restores a replica of a full image, 60 merged files and 3,000 captured ones from S3 (Ceph's gateway on this machine), and the same replica
/// from a folder; and how many bytes are read beside those that the newest image of each page takes.
/// </summary>
internal sealed class S3Work : IWork
{
    private const string FromS3 = "restore of 3,061 files from S3";
    private const string FromFolder = "restore of 3,061 files from a folder";
    private const int Captured = 3000;
    private const int Merged = 60;
    private const int InOneMerge = 20;
    private const int CommitsPerSecond = 300;
    private const int Side = 8; // files sent side by side

    public bool OnlyOurs => true;

    public async Task RunAsync(Bench bench)
    {
        if (CephProcesses.Missing is { } missing)
        {
            throw new FileNotFoundException($"There is no S3 to restore from: {missing}.");
        }

        (string database, string folder) = await bench.PrepareAsync();
        await ReplicateAsync(bench, database, folder);
        await using IReplicaStore local = ReplicaLocation.Parse(folder).Open();
        await MergeAsync(local);
        double needed = await SurvivingBytesAsync(local);

        await using CephProcesses ceph = new(bench["ceph"]);
        await ceph.StartAsync();
        S3Location place = new("measured", "app") { Endpoint = ceph.Endpoint, Credentials = CephProcesses.Key };
        await CephProcesses.MakeBucketAsync(place);
        await SendAsync(local, place);
        (string id, string secret, _) = CephProcesses.Key.Reveal();
        Environment.SetEnvironmentVariable("LITESTREAM_ACCESS_KEY_ID", id);
        Environment.SetEnvironmentVariable("LITESTREAM_SECRET_ACCESS_KEY", secret);
        foreach (int round in bench.RoundsInTime())
        {
            await RestoreAsync(bench, FromS3, place.Address, database, needed);
            await RestoreAsync(bench, FromFolder, folder, database, needed);
            long began = Stopwatch.GetTimestamp();
            Files.CopyDurably(database, bench["copy.db"]);
            bench.Figures.Add(FromFolder, "wall s", "cp and fsync", Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
    }

    // One row a commit, until there are files enough: a busy machine gathers several commits into one.
    private static async Task ReplicateAsync(Bench bench, string database, string folder)
    {
        const int enough = Captured + (Merged * InOneMerge);
        using Measured run = Measured.Start(bench.Ours.Replicate(database, folder));
        await run.UntilAsync(() => run.Lines > 0, Stopwatch.GetTimestamp());
        for (int files = 0; files < enough; files = bench.Ours.Changes(folder))
        {
            await Bench.WriteAsync(database, "--rate", Bench.Text(CommitsPerSecond), "--commits", Bench.Text(enough - files));
        }

        await run.StopAsync();
        Bench.Execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    // Exactly so many files of each kind, whatever the replicator itself has merged meanwhile.
    private static async Task MergeAsync(IReplicaStore store)
    {
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, CancellationToken.None);
        foreach (ReplicaFile file in files.Where(file => file.Level is > 0 and < LtxFileName.SnapshotLevel))
        {
            await store.DeleteAsync(file.Level, file.Name, CancellationToken.None);
        }

        ReplicaFile[] old = [.. files.Where(file => file.Level == 0).SkipLast(Captured)];
        for (int i = 0; i < Merged; i++)
        {
            await MergeAsync(store, old[(i * old.Length / Merged)..((i + 1) * old.Length / Merged)]);
        }
    }

    private static async Task MergeAsync(IReplicaStore store, ReplicaFile[] files)
    {
        List<LtxDecoder> inputs = [];
        foreach (ReplicaFile file in files)
        {
            Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, CancellationToken.None);
            inputs.Add(await LtxDecoder.OpenAsync(stream, $"{file.Name}", CancellationToken.None));
        }

        LtxFileName name = new(files[0].Name.MinTxid, files[^1].Name.MaxTxid);
        await store.PutAsync(1, name, files[^1].Timestamp, null, (output, cancel) => LtxMerge.MergeAsync(inputs, output, cancel), CancellationToken.None);
        foreach ((LtxDecoder input, ReplicaFile file) in inputs.Zip(files))
        {
            await input.DisposeAsync();
            await store.DeleteAsync(file.Level, file.Name, CancellationToken.None);
        }
    }

    /// <summary>Bytes that the newest image of each page takes in the replica.</summary>
    private static async Task<double> SurvivingBytesAsync(IReplicaStore store)
    {
        HashSet<uint> seen = [];
        long bytes = 0;
        uint last = uint.MaxValue;
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, CancellationToken.None);
        foreach (ReplicaFile file in files.OrderByDescending(file => file.Name.MaxTxid))
        {
            LtxHeader header = await HeaderAsync(store, file);
            last = Math.Min(last, header.Commit);
            LtxPageIndex index = await LtxPageIndex.ReadAsync(
                (offset, length, cancel) => store.OpenReadAsync(file.Level, file.Name, offset, length, cancel), file.Size, header, $"{file.Name}", CancellationToken.None);
            bytes += index.Entries().Where(entry => entry.PageNumber <= last && seen.Add(entry.PageNumber)).Sum(entry => (long)entry.Size);
        }

        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {files.Count} files of {files.Sum(file => file.Size) / 1e6:0.0} MB, of which the newest image of each page takes {bytes / 1e6:0.0} MB"));
        return bytes;
    }

    private static async Task<LtxHeader> HeaderAsync(IReplicaStore store, ReplicaFile file)
    {
        byte[] bytes = new byte[LtxHeader.Length];
        await using Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, bytes.Length, CancellationToken.None);
        await stream.ReadExactlyAsync(bytes);
        return LtxHeader.Parse(bytes, $"{file.Name}");
    }

    private static async Task SendAsync(IReplicaStore local, S3Location place)
    {
        await using IReplicaStore remote = place.Open();
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(local, CancellationToken.None);
        await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = Side }, async (file, cancel) =>
        {
            await using Stream stream = await local.OpenReadAsync(file.Level, file.Name, 0, null, cancel);
            await remote.PutAsync(file.Level, file.Name, file.Timestamp, file.Size, stream.CopyToAsync, cancel);
        });
    }

    private static async Task RestoreAsync(Bench bench, string work, string source, string database, double needed)
    {
        string output = bench["restored.db"];
        Files.Delete(output);
        (double wall, double cpu, double peak, string counted) = await Measured.RunAsync(bench.Ours.Restore(source, output));
        ChildCounters counters = ChildCounters.Parse(counted);
        bench.Figures.Add(work, "wall s", bench.Ours.Name, wall);
        bench.Figures.Add(work, "processor s", bench.Ours.Name, cpu);
        bench.Figures.Add(work, "peak memory MB", bench.Ours.Name, peak);
        bench.Figures.Add(work, "operations on the replica", bench.Ours.Name, counters.Operations);
        bench.Figures.Add(work, "requests over HTTP", bench.Ours.Name, counters.HttpRequests);
        bench.Figures.Add(work, "MB read", bench.Ours.Name, counters.BytesRead / 1e6);
        bench.Figures.Add(work, "bytes read a byte of the newest image of each page", bench.Ours.Name, counters.BytesRead / needed);
        if (!Files.AreSame(database, output))
        {
            throw new InvalidOperationException($"What was restored from {source} is not the database.");
        }
    }
}
