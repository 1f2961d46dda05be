namespace Litestream.Tests.Unit;

/// <summary>A folder of a test's own, deleted with all that is in it when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string Memory = "/dev/shm";

    /// <summary>Makes it.</summary>
    /// <param name="inMemory">In the system's memory, where there is such a place: for what flushes thousands of files.</param>
    public TemporaryFolder(bool inMemory = false) => FullPath = inMemory && Directory.Exists(Memory)
        ? Directory.CreateDirectory(Path.Combine(Memory, "litestream-test-" + Guid.NewGuid().ToString("N"))).FullName
        : Directory.CreateTempSubdirectory("litestream-test-").FullName;

    public string FullPath { get; }

    public string this[params string[] parts] => Path.Combine([FullPath, .. parts]);

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
