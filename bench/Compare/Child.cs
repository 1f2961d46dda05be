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
    public const string NothingVerb = "nothing";

    public static bool IsVerb(string word) => word is ReplicateVerb or RestoreVerb or CompareVerb or NothingVerb;

    public static async Task<int> RunAsync(string verb, string first, string second)
    {
        switch (verb)
        {
            case NothingVerb:
                return 0;
            case ReplicateVerb:
                await ReplicateAsync(first, second);
                return 0;
            case RestoreVerb:
                await DatabaseRestorer.RestoreAsync(
                    new RestoreOptions { Source = ReplicaLocation.Parse(first), OutputPath = second, SeedLocalState = false }, null, CancellationToken.None);
                return 0;
            default:
                VerificationReport report = await ReplicaVerifier.VerifyAsync(
                    new VerificationOptions { Source = ReplicaLocation.Parse(second), DatabasePath = first, Depth = VerificationDepth.Compare }, null, CancellationToken.None);
                Console.WriteLine(report.Outcome);
                return report.Outcome == VerificationOutcome.Pass ? 0 : 1;
        }
    }

    private static async Task ReplicateAsync(string database, string replica)
    {
        TaskCompletionSource end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            end.TrySetResult();
        });
        Replicator replicator = new(new ReplicationOptions { DatabasePath = database, Destinations = [ReplicaLocation.Parse(replica)] });
        await using (replicator)
        {
            await replicator.StartAsync(CancellationToken.None);
            await end.Task;
            await replicator.StopAsync(CancellationToken.None);
        }
    }
}
