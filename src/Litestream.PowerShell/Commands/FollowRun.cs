using System.Management.Automation;
using System.Threading.Channels;
using Litestream.Restoration;

namespace Litestream.PowerShell.Commands;

/// <summary>Follows a replica in the foreground and shows where the copy stands.</summary>
/// <param name="pipeline">Where objects, warnings and progress go.</param>
/// <param name="passThru">Puts out an object for each step.</param>
internal sealed class FollowRun(CmdletPipeline pipeline, bool passThru)
{
    private const int ActivityId = 0x4c54;

    /// <summary>Runs until it is stopped, or, once, until the copy is up to date.</summary>
    /// <param name="options">What and where.</param>
    /// <param name="stop">Ends it.</param>
    internal async Task RunAsync(FollowOptions options, CancellationToken stop)
    {
        Channel<FollowStatus> steps = Channel.CreateUnbounded<FollowStatus>();
        Task following = Task.Run(
            async () =>
            {
                try
                {
                    await Follower.RunAsync(options, new Steps(steps.Writer), stop).ConfigureAwait(false);
                }
                finally
                {
                    steps.Writer.Complete();
                }
            },
            stop);
        FollowStatus? last = null;
        await foreach (FollowStatus status in steps.Reader.ReadAllAsync(stop).ConfigureAwait(false))
        {
            await ShowAsync(options, status, last, stop).ConfigureAwait(false);
            last = status;
        }

        await following.ConfigureAwait(false);
        if (passThru && options.Once && last is not null)
        {
            await pipeline.WriteObjectAsync(SqliteFollow.From(options, last), stop).ConfigureAwait(false);
        }
    }

    private async Task ShowAsync(FollowOptions options, FollowStatus status, FollowStatus? last, CancellationToken stop)
    {
        if (status == last)
        {
            return;
        }

        if (status.Trouble is { } trouble && trouble != last?.Trouble)
        {
            await pipeline.WriteWarningAsync($"{options.OutputPath} stays at TXID {status.Txid}: {trouble}", stop).ConfigureAwait(false);
        }

        string place = FormattableString.Invariant($"TXID {status.Txid} of {status.ReplicaTxid}, {status.Lag.TotalSeconds:0.0} s behind");
        pipeline.WriteProgress(new ProgressRecord(ActivityId, $"Following {options.Source}", place));
        if (passThru && !options.Once)
        {
            await pipeline.WriteObjectAsync(SqliteFollow.From(options, status), stop).ConfigureAwait(false);
        }
    }

    private sealed class Steps(ChannelWriter<FollowStatus> writer) : IProgress<FollowStatus>
    {
        public void Report(FollowStatus value) => writer.TryWrite(value);
    }
}
