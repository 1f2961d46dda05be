using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Restoration;

public class RestorePlannerProperties
{
    [ScaledProperty(3000)]
    public void Plan_reaches_exactly_what_any_choice_of_files_reaches(int seed)
    {
        var random = new Random(seed);
        List<ReplicaFile> files = RandomFiles(random);
        ulong? target = random.Next(2) == 0 ? null : (ulong)random.Next(1, 26);
        ulong goal = target ?? (files.Count > 0 ? files.Max(file => file.Name.MaxTxid) : 0);
        List<ReplicaFile> eligible = [.. files.Where(file => file.Name.MaxTxid <= goal)];
        HashSet<ulong> reachable = Reachable(eligible);
        try
        {
            RestorePlan plan = RestorePlanner.Plan("replica", files, target);
            Assert.Contains(goal, reachable);
            AssertLeadsTo(plan, goal);
            Assert.Equal(Newest(eligible), plan.Files[0].Name.MaxTxid);
        }
        catch (ReplicaGapException e)
        {
            Assert.DoesNotContain(goal, reachable);
            Assert.Equal(reachable.Max() + 1, e.Txid);
        }
        catch (ReplicaNotFoundException)
        {
            Assert.Empty(reachable);
        }
    }

    private static List<ReplicaFile> RandomFiles(Random random)
    {
        var files = new List<ReplicaFile>();
        int density = random.Next(1, 30);
        for (int i = 0; i < density; i++)
        {
            int level = random.Next(4);
            ulong max = (ulong)random.Next(1, 25);
            ulong min = level == 0 ? max : (ulong)Math.Max(1, (long)max - random.Next(8));
            files.Add(Make(level, min, max));
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            files.Add(Make(LtxFileName.SnapshotLevel, 1, (ulong)random.Next(1, 25)));
        }

        return files;

        ReplicaFile Make(int level, ulong min, ulong max) => new(level, new LtxFileName(min, max), random.Next(200, 210), DateTimeOffset.UnixEpoch);
    }

    private static bool IsBase(ReplicaFile file) => file.Level == LtxFileName.SnapshotLevel || file.Name.MinTxid == 1;

    private static HashSet<ulong> Reachable(List<ReplicaFile> files)
    {
        HashSet<ulong> reached = [.. files.Where(IsBase).Select(file => file.Name.MaxTxid)];
        int before;
        do
        {
            before = reached.Count;
            foreach (ReplicaFile file in files)
            {
                if (reached.Any(at => file.Name.MinTxid <= at + 1 && file.Name.MaxTxid > at))
                {
                    reached.Add(file.Name.MaxTxid);
                }
            }
        }
        while (reached.Count > before);
        return reached;
    }

    private static ulong Newest(List<ReplicaFile> files)
    {
        IEnumerable<ReplicaFile> images = files.Where(file => file.Level == LtxFileName.SnapshotLevel);
        return (images.Any() ? images : files.Where(IsBase)).Max(file => file.Name.MaxTxid);
    }

    private static void AssertLeadsTo(RestorePlan plan, ulong goal)
    {
        Assert.True(IsBase(plan.Files[0]));
        ulong at = plan.Files[0].Name.MaxTxid;
        foreach (ReplicaFile file in plan.Files.Skip(1))
        {
            Assert.True(file.Name.MinTxid <= at + 1 && file.Name.MaxTxid > at);
            at = file.Name.MaxTxid;
        }

        Assert.Equal(goal, at);
        Assert.Equal(goal, plan.Txid);
    }
}
