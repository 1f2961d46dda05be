using System.Globalization;
using Litestream.Ltx;

namespace Litestream.Storage;

/// <summary>
/// Finds replica folders above and below a place, since two replicas in one another get deleted, moved and restored together
/// by people who see only one of them.
/// </summary>
internal static class ReplicaNesting
{
    // A replica sits near the top of what a person gives as a place: a look this deep costs milliseconds even at a home folder.
    private const int MaxDepth = 4;
    private const int MaxDirectories = 2000;

    private static readonly EnumerationOptions Quiet = new()
    {
        IgnoreInaccessible = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
    };

    /// <summary>Refuses a place that lies in another replica's folder or has one in it.</summary>
    /// <param name="folder">Full path of the place. It need not exist.</param>
    /// <exception cref="ReplicaLocationException">It does; the message names the other replica.</exception>
    public static void Refuse(string folder)
    {
        for (string? above = Path.GetDirectoryName(folder); above is not null; above = Path.GetDirectoryName(above))
        {
            if (IsReplica(above))
            {
                throw new ReplicaLocationException(
                    $"'{folder}' lies inside the replica '{above}'. Nothing was written. Choose a folder beside it, "
                    + "one for each database.")
                {
                    Replica = folder,
                };
            }
        }

        if (FindBelow(folder) is { } below)
        {
            throw new ReplicaLocationException(
                $"'{folder}' has another replica in it: '{below}'. Nothing was written. Choose a folder of its own for each "
                + $"database, for example '{Path.Combine(folder, "<name of the database>")}'.")
            {
                Replica = folder,
            };
        }
    }

    private static string? FindBelow(string folder)
    {
        Queue<(string Path, int Depth)> waiting = new([(folder, 0)]);
        for (int seen = 0; seen < MaxDirectories && waiting.TryDequeue(out (string Path, int Depth) next); seen++)
        {
            if (next.Depth > 0 && IsReplica(next.Path))
            {
                return next.Path;
            }

            if (next.Depth == MaxDepth || !Directory.Exists(next.Path))
            {
                continue;
            }

            foreach (string child in Directory.EnumerateDirectories(next.Path, "*", Quiet))
            {
                string name = Path.GetFileName(child);
                bool own = next.Depth == 0 && name == FolderReplicaStore.LtxFolderName;
                if (!own && !IsLocalState(name) && waiting.Count < MaxDirectories)
                {
                    waiting.Enqueue((child, next.Depth + 1));
                }
            }
        }

        return null;
    }

    private static bool IsReplica(string folder)
    {
        if (File.Exists(Path.Combine(folder, FolderLock.OwnerFileName)))
        {
            return true;
        }

        for (int level = 0; level <= LtxFileName.SnapshotLevel; level++)
        {
            string files = Path.Combine(folder, FolderReplicaStore.LtxFolderName, level.ToString(CultureInfo.InvariantCulture));
            if (Directory.Exists(files)
                && Directory.EnumerateFiles(files, "*", Quiet).Any(file => LtxFileName.TryParse(Path.GetFileName(file), out _)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The state folder beside a database, <c>.name-litestream</c>, holds files of the same form and is no replica.</summary>
    private static bool IsLocalState(string name) =>
        name.StartsWith('.') && name.EndsWith("-litestream", StringComparison.Ordinal);
}
