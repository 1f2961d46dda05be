using System.Net;
using System.Text;
using Litestream.Diagnostics;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Observation;

/// <summary>Serves metrics over HTTP in Prometheus' text format, at <c>metrics</c> below a prefix.</summary>
internal sealed class MetricsEndpoint : IAsyncDisposable
{
    private readonly HttpListener _listener;
    private readonly HostedReplications _replications;
    private readonly string _path;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    private MetricsEndpoint(HttpListener listener, string prefix, HostedReplications replications)
    {
        _listener = listener;
        _path = new Uri(prefix.Replace("*", "any", StringComparison.Ordinal).Replace("+", "any", StringComparison.Ordinal)).AbsolutePath + "metrics";
        _replications = replications;
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>Opens it.</summary>
    /// <param name="prefix">As HttpListener takes it; a name other than <c>localhost</c> opens it to the network.</param>
    /// <param name="replications">What this process replicates.</param>
    /// <exception cref="ReplicationException">The port is taken, or the prefix is none.</exception>
    internal static MetricsEndpoint Open(string prefix, HostedReplications replications)
    {
        HttpListener listener = new();
        try
        {
            listener.Prefixes.Add(prefix);
            listener.Start();
            return new MetricsEndpoint(listener, prefix, replications);
        }
        catch (Exception exception) when (exception is HttpListenerException or ArgumentException or System.Net.Sockets.SocketException)
        {
            listener.Close();
            throw new ReplicationException(
                ErrorTable.MetricsEndpointFailed,
                $"Metrics cannot be served at '{prefix}': {exception.Message} Nothing was started. Give a prefix such as http://localhost:9090/ "
                + "whose port is free.",
                exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The listener of .NET may leave a waiting call for ever when a client goes in the moment of the end.
        await _end.CancelAsync().ConfigureAwait(false);
        _listener.Close();
        await _serving.ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                HttpListenerContext context = await _listener.GetContextAsync().WaitAsync(_end.Token).ConfigureAwait(false);
                await AnswerAsync(context).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or InvalidOperationException or IOException or OperationCanceledException)
            {
                // A client that has gone in the middle, or our own end.
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using HttpListenerResponse response = context.Response;
        bool known = context.Request.HttpMethod is "GET" or "HEAD" && context.Request.Url?.AbsolutePath == _path;
        byte[] body = known ? Encoding.UTF8.GetBytes(PrometheusText.Write(_replications.ReadMetrics())) : [];
        response.StatusCode = (int)(known ? HttpStatusCode.OK : HttpStatusCode.NotFound);
        response.ContentType = PrometheusText.ContentType;
        response.ContentLength64 = body.Length;
        if (context.Request.HttpMethod == "GET")
        {
            await response.OutputStream.WriteAsync(body, _end.Token).ConfigureAwait(false);
        }
    }
}
