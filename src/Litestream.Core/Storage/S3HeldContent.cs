namespace Litestream.Storage;

/// <summary>
/// The content of an object that is sent before its turn. Its last byte is given only when the turn has come: a service that lacks a byte of the
/// promised length has nothing to store, whatever becomes of the connection.
/// </summary>
/// <remarks>
/// The SDK reads a content twice: without <c>async</c> to sign it, which holds nothing up, then with <c>async</c> to send it.
/// </remarks>
/// <param name="content">Holds the object.</param>
/// <param name="count">How many bytes of it, 1 at least.</param>
/// <param name="turn">Completes when the object may become visible. Asked each time that it is sent.</param>
internal sealed class S3HeldContent(byte[] content, int count, Func<Task> turn) : MemoryStream(content, 0, count, writable: false)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        long ahead = Length - 1 - Position;
        if (ahead == 0)
        {
            await turn().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return Read(ahead > 0 && buffer.Length > ahead ? buffer.Span[..(int)ahead] : buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[bufferSize];
        while (await ReadAsync(buffer.AsMemory(), cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            await destination.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        }
    }
}
