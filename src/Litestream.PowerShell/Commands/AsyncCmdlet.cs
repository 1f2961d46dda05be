using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// A cmdlet whose work is asynchronous. The work runs on the thread pool; the pipeline thread meanwhile carries out what it asks for
/// through <see cref="CmdletPipeline"/>, for only that thread may write to the pipeline.
/// </summary>
/// <remarks>
/// The work never outlives the call. A stop (Ctrl-C), a downstream command that has enough (<c>Select-Object -First</c>) or an error
/// preference of <c>Stop</c> surfaces as an exception from a write on the pipeline thread, or as the stop token: in each case the work's
/// token is cancelled, its end is awaited, so that it has removed its temporary files and let go of its locks, and then the exception
/// goes on to the engine.
/// </remarks>
public abstract class AsyncCmdlet : PSCmdlet
{
    /// <summary>Runs work and returns when it has ended.</summary>
    /// <param name="work">What to do; its token is cancelled when the pipeline stops.</param>
    /// <exception cref="PipelineStoppedException">The pipeline was stopped.</exception>
    private protected void Run(Func<CmdletPipeline, CancellationToken, Task> work)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(PipelineStopToken);
        CmdletPipeline pipeline = new(this);
        Task task = Task.Run(() => pipeline.RunAsync(work, stop.Token));
        try
        {
            pipeline.CarryOut();
        }
        catch
        {
            stop.Cancel();
            pipeline.Close();
            task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            throw;
        }

        try
        {
            task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        catch (Exception exception) when (exception is not PipelineStoppedException)
        {
            ThrowTerminatingError(ErrorTable.Record(exception, null));
        }
    }

    /// <summary>On the pipeline thread: works out an argument, and writes an error if it cannot be.</summary>
    /// <param name="resolve">Makes the value.</param>
    /// <param name="target">The argument as written.</param>
    /// <param name="value">The value, if there is one.</param>
    private protected bool TryResolve<T>(Func<T> resolve, object target, [NotNullWhen(true)] out T? value)
        where T : class
    {
        try
        {
            value = resolve();
            return true;
        }
        catch (Exception exception) when (exception is LitestreamException or RuntimeException or ArgumentException or IOException)
        {
            WriteError(ErrorTable.Record(exception, target is string text ? WithoutSecrets(text) : target));
            value = null;
            return false;
        }
    }

    /// <summary>Ends the cmdlet with an error that concerns the call as a whole.</summary>
    /// <param name="errorId">A stable id of <see cref="ErrorTable"/>.</param>
    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="target">The argument it is about.</param>
    [DoesNotReturn]
    private protected void Refuse(string errorId, string message, object? target)
    {
        ThrowTerminatingError(ErrorTable.Record(new ReplicationException(errorId, message), target));
    }

    // A URL may have a key in front of its host or in its query.
    private static string WithoutSecrets(string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return text;
        }

        string place = text[(scheme + 3)..].Split('?')[0];
        return text[..(scheme + 3)] + place[(place.LastIndexOf('@') + 1)..];
    }
}
