using System.Management.Automation;
using System.Threading.Channels;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// What asynchronous work may do to the pipeline. Calls wait in a bounded queue for the pipeline thread, so that a slow reader of
/// the output slows the work down instead of filling memory; progress alone is dropped when the queue is full.
/// </summary>
/// <param name="cmdlet">The cmdlet that writes.</param>
internal sealed class CmdletPipeline(Cmdlet cmdlet)
{
    private const int Capacity = 64;

    private readonly Channel<Action> _calls = Channel.CreateBounded<Action>(new BoundedChannelOptions(Capacity) { SingleReader = true });

    /// <summary>Puts an object out.</summary>
    /// <param name="value">The object.</param>
    /// <param name="cancellationToken">Gives up waiting for room in the queue.</param>
    internal ValueTask WriteObjectAsync(object value, CancellationToken cancellationToken) =>
        _calls.Writer.WriteAsync(() => cmdlet.WriteObject(value), cancellationToken);

    /// <summary>Writes a non-terminating error.</summary>
    /// <param name="error">The error.</param>
    /// <param name="cancellationToken">Gives up waiting for room in the queue.</param>
    internal ValueTask WriteErrorAsync(ErrorRecord error, CancellationToken cancellationToken) =>
        _calls.Writer.WriteAsync(() => cmdlet.WriteError(error), cancellationToken);

    /// <summary>Writes a warning.</summary>
    /// <param name="message">One line.</param>
    /// <param name="cancellationToken">Gives up waiting for room in the queue.</param>
    internal ValueTask WriteWarningAsync(string message, CancellationToken cancellationToken) =>
        _calls.Writer.WriteAsync(() => cmdlet.WriteWarning(message), cancellationToken);

    /// <summary>Writes verbose output.</summary>
    /// <param name="message">One line.</param>
    /// <param name="cancellationToken">Gives up waiting for room in the queue.</param>
    internal ValueTask WriteVerboseAsync(string message, CancellationToken cancellationToken) =>
        _calls.Writer.WriteAsync(() => cmdlet.WriteVerbose(message), cancellationToken);

    /// <summary>Runs something on the pipeline thread and gives its result.</summary>
    /// <param name="call">For instance a question to the user.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal async Task<T> InvokeAsync<T>(Func<T> call, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _calls.Writer.WriteAsync(() => result.SetResult(call()), cancellationToken).ConfigureAwait(false);
        return await result.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Shows progress unless the queue is full; the next report makes up for it.</summary>
    /// <param name="record">How far it is.</param>
    internal void WriteProgress(ProgressRecord record) => _calls.Writer.TryWrite(() => cmdlet.WriteProgress(record));

    /// <summary>On the pool: does the work, then lets <see cref="CarryOut"/> end.</summary>
    internal async Task RunAsync(Func<CmdletPipeline, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await work(this, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Close();
        }
    }

    /// <summary>On the pipeline thread: carries out calls until the work has ended and the queue is empty.</summary>
    internal void CarryOut()
    {
        while (_calls.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (_calls.Reader.TryRead(out Action? call))
            {
                call();
            }
        }
    }

    /// <summary>Takes no more calls.</summary>
    internal void Close() => _calls.Writer.TryComplete();
}
