using System.Runtime.InteropServices;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Verification;

namespace Litestream.Bench.Compare;

/// <summary>What this program does when it is the subject.</summary>
internal static class Child
{
    public const string ReplicateVerb = "replicate";
    public const string RestoreVerb = "restore";
    public const string CompareVerb = "compare";
    public const string CompareBytesVerb = "compare-bytes";
    public const string NothingVerb = "nothing";

    /// <summary>Asks a replicating child for a line of <see cref="ChildCounters"/>.</summary>
    public const int CountersSignal = 10; // SIGUSR1

    public static bool IsVerb(string word) => word is ReplicateVerb or RestoreVerb or CompareVerb or CompareBytesVerb or NothingVerb;

    public static async Task<int> RunAsync(string verb, string first, string second)
    {
        using ReplicaTraffic traffic = new();
        switch (verb)
        {
            case NothingVerb:
                return 0;
            case ReplicateVerb:
                await ReplicateAsync(first, second, traffic);
                return 0;
            case RestoreVerb:
                await DatabaseRestorer.RestoreAsync(
                    new RestoreOptions { Source = new CountedLocation(ReplicaLocation.Parse(first)), OutputPath = second, SeedLocalState = false },
                    null,
                    CancellationToken.None);
                Console.WriteLine(ChildCounters.Now(traffic).ToJson());
                return 0;
            default:
                VerificationOptions options = new()
                {
                    Source = ReplicaLocation.Parse(second),
                    DatabasePath = first,
                    Depth = VerificationDepth.Compare,
                    IntegrityCheck = verb == CompareBytesVerb ? IntegrityCheck.None : IntegrityCheck.Full,
                };
                VerificationReport report = await ReplicaVerifier.VerifyAsync(options, null, CancellationToken.None);
                Console.WriteLine(report.Outcome);
                return report.Outcome == VerificationOutcome.Pass ? 0 : 1;
        }
    }

    // A database, or every database in a folder; a line when all of them stream.
    private static async Task ReplicateAsync(string source, string replica, ReplicaTraffic traffic)
    {
        TaskCompletionSource end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            end.TrySetResult();
        });
        using PosixSignalRegistration tell = PosixSignalRegistration.Create((PosixSignal)CountersSignal, context =>
        {
            context.Cancel = true;
            Console.WriteLine(ChildCounters.Now(traffic).ToJson());
        });
        ReplicaLocation place = ReplicaLocation.Parse(replica);
        Replicator[] replicators = Directory.Exists(source)
            ? [.. Directory.EnumerateFiles(source, "*.db").Select(database => Make(database, place.Below(Path.GetFileName(database))))]
            : [Make(source, place)];
        try
        {
            await Task.WhenAll(replicators.Select(replicator => replicator.StartAsync(CancellationToken.None)));
            Console.WriteLine("streaming");
            await end.Task;
            await Task.WhenAll(replicators.Select(replicator => replicator.StopAsync(CancellationToken.None)));
        }
        finally
        {
            foreach (Replicator replicator in replicators)
            {
                await replicator.DisposeAsync();
            }
        }
    }

    private static Replicator Make(string database, ReplicaLocation place) => new(new ReplicationOptions { DatabasePath = database, Destinations = [place] });
}
