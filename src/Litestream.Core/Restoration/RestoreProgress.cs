namespace Litestream.Restoration;

/// <summary>How far a restore is.</summary>
/// <param name="Phase">What it is doing, in a few words.</param>
/// <param name="BytesDone">Bytes of replica files read so far.</param>
/// <param name="BytesTotal">Bytes of replica files in the plan.</param>
public readonly record struct RestoreProgress(string Phase, long BytesDone, long BytesTotal);
