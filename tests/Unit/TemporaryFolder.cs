namespace Litestream.Tests.Unit;

/// <summary>A folder of a test's own, deleted with all that is in it when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => FullPath = Directory.CreateTempSubdirectory("litestream-test-").FullName;

    public string FullPath { get; }

    public string this[params string[] parts] => Path.Combine([FullPath, .. parts]);

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
