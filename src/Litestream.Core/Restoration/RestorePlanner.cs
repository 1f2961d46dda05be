using Litestream.Storage;

namespace Litestream.Restoration;

internal static class RestorePlanner
{
    public static RestorePlan Plan(string source, IReadOnlyList<ReplicaFile> files, ulong? target) =>
        throw new NotImplementedException(source + files.Count + target);
}
