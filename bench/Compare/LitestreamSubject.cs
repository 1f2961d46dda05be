namespace Litestream.Bench.Compare;

/// <summary>Litestream 0.3, with its own defaults.</summary>
/// <param name="program">Path of its binary.</param>
internal sealed class LitestreamSubject(string program) : ISubject
{
    public string Name => "litestream-0.3";

    public string[] Replicate(string database, string replica) => [program, "replicate", database, $"file://{replica}"];

    public string[] Restore(string replica, string output) => [program, "restore", "-o", output, $"file://{replica}"];

    public int Images(string replica) => Files.Count(Path.Combine(replica, "generations"), "*.snapshot.lz4");

    public int Changes(string replica) => Files.Count(Path.Combine(replica, "generations"), "*.wal.lz4");
}
