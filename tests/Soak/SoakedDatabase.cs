namespace Litestream.Tests.Soak;

/// <summary>One database of a soak.</summary>
/// <param name="Name">Short.</param>
/// <param name="Path">Full path of the live file.</param>
/// <param name="Destination">Where its replica goes, as the replicator is told.</param>
/// <param name="Replica">The same place, as it is restored from: nothing stands before it.</param>
/// <param name="Writer">The application.</param>
internal sealed record SoakedDatabase(string Name, string Path, string Destination, string Replica, WriterProcess Writer)
{
    // A week of checks shall fit into memory; what is older than any retention is of no use.
    private const int MostPoints = 400;

    private readonly List<RecordedPoint> _points = [];

    /// <summary>States that were the newest once, oldest first.</summary>
    public IReadOnlyList<RecordedPoint> Points => _points;

    /// <summary>Remembers a state.</summary>
    public void Record(RecordedPoint point)
    {
        _points.Add(point);
        if (_points.Count > MostPoints)
        {
            _points.RemoveAt(0);
        }
    }
}
