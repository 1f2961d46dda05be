using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

/// <summary>A service on loopback that answers each request as the test says, and counts them.</summary>
internal sealed class AnsweringService : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<int, string, Answer> _answer;
    private readonly Task _serving;
    private int _requests;

    /// <summary>Listens.</summary>
    /// <param name="answer">Given the request's number from 1 and its first line.</param>
    public AnsweringService(Func<int, string, Answer> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>Requests so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>A place in it.</summary>
    public S3Location Place => new("bucket", "app")
    {
        Endpoint = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}")),
        Credentials = new S3Credentials("TESTS", "of-no-secret"),
    };

    /// <summary>An error as S3 says it.</summary>
    public static Answer Error(int status, string code) => new(status, $"<Error><Code>{code}</Code><Message>said so</Message></Error>");

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await _listener.AcceptTcpClientAsync()); // a client may open one that it then does not use
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using TcpClient closing = client;
        NetworkStream stream = client.GetStream();
        try
        {
            using StreamReader reader = new(stream, Encoding.Latin1, false, 1024, leaveOpen: true);
            string first = await reader.ReadLineAsync() ?? "";
            int length = 0;
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                if (line.StartsWith("Expect:", StringComparison.OrdinalIgnoreCase))
                {
                    await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
                }
                else if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                {
                    length = int.Parse(line[15..], CultureInfo.InvariantCulture);
                }
            }

            if (length > 0)
            {
                await reader.ReadBlockAsync(new char[length]);
            }

            Answer answer = _answer(Interlocked.Increment(ref _requests), first);
            if (answer.Status == 0)
            {
                return;
            }

            string head = string.Create(
                CultureInfo.InvariantCulture,
                $"HTTP/1.1 {answer.Status} x\r\nETag: \"0-1\"\r\nContent-Length: {answer.Promised ?? answer.Body.Length}\r\nConnection: close\r\n\r\n");
            await stream.WriteAsync(Encoding.Latin1.GetBytes(head + answer.Body));
        }
        catch (IOException)
        {
            // the client has gone
        }
    }

    /// <summary>One answer.</summary>
    /// <param name="Status">Of HTTP; 0 to close the connection instead.</param>
    /// <param name="Body">What is sent.</param>
    /// <param name="Promised">Length that is promised, if more: the connection then breaks in the middle.</param>
    internal sealed record Answer(int Status, string Body = "", int? Promised = null);
}
