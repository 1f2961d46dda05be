using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>What of a damaged replica a repair may build on.</summary>
/// <param name="Listed">Every file of the replica, whole or not, as it was judged.</param>
/// <param name="Chain">
/// A full image and what follows it to the last good point, oldest first, all of them whole; empty where only a full image will do.
/// </param>
internal sealed record RebaseBasis(IReadOnlyList<ReplicaFile> Listed, IReadOnlyList<ReplicaFile> Chain)
{
    /// <summary>Whether a replica still holds the files that were judged, and no others.</summary>
    /// <param name="files">What it holds now.</param>
    public bool StillHolds(IEnumerable<ReplicaFile> files) =>
        files.Select(file => (file.Level, file.Name)).ToHashSet().SetEquals(Listed.Select(file => (file.Level, file.Name)));
}
