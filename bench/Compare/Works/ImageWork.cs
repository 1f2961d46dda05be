using System.Diagnostics;
using K4os.Compression.LZ4;

namespace Litestream.Bench.Compare.Works;

/// <summary>The first full image of a database: from the start of the program until the file is whole in the replica.</summary>
internal sealed class ImageWork : IWork
{
    private const string Name = "base image";

    public async Task RunAsync(Bench bench)
    {
        foreach (ISubject subject in bench.Turns())
        {
            (string database, string replica) = await bench.PrepareAsync();
            long began = Stopwatch.GetTimestamp();
            using (Measured run = Measured.Start(subject.Replicate(database, replica)))
            {
                bench.Figures.Add(Name, "wall s", subject.Name, await run.UntilAsync(() => subject.Images(replica) > 0, began));
                bench.Figures.Add(Name, "processor s", subject.Name, run.Cpu);
                bench.Figures.Add(Name, "peak memory MB", subject.Name, run.PeakMegabytes);
                bench.Figures.Add(Name, "replica bytes a database byte", subject.Name, Files.Bytes(replica) / (double)Files.Length(database));
                await run.StopAsync();
            }

            if (subject == bench.Subjects[0])
            {
                began = Stopwatch.GetTimestamp();
                Files.CopyDurably(database, bench["copy.db"]);
                bench.Figures.Add(Name, "wall s", "cp and fsync", Stopwatch.GetElapsedTime(began).TotalSeconds);
                bench.Figures.Add(Name, "wall s", "LZ4, one core", CompressPages(database));
            }
        }
    }

    // Each page by itself, as the replica's format wants it; nothing is written.
    private static double CompressPages(string database)
    {
        const int page = 4096;
        byte[] content = new byte[page * 256];
        byte[] target = new byte[LZ4Codec.MaximumOutputSize(page)];
        using FileStream file = new(database, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        long began = Stopwatch.GetTimestamp();
        int read;
        while ((read = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)) > 0)
        {
            for (int offset = 0; offset < read; offset += page)
            {
                LZ4Codec.Encode(content.AsSpan(offset, page), target);
            }
        }

        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
