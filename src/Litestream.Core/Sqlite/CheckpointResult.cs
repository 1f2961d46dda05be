namespace Litestream.Sqlite;

/// <summary>What a checkpoint did.</summary>
/// <param name="Busy">Whether a lock kept it from doing all.</param>
/// <param name="LogFrames">Frames in the WAL.</param>
/// <param name="CheckpointedFrames">Frames that have been copied into the database file.</param>
public readonly record struct CheckpointResult(bool Busy, int LogFrames, int CheckpointedFrames)
{
    /// <summary>Whether every frame is in the database file.</summary>
    public bool Complete => !Busy && LogFrames == CheckpointedFrames;
}
