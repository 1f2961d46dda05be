using Litestream.Storage;

namespace Litestream.Legacy;

/// <summary>Counts what is read from a stream.</summary>
internal sealed class MeteredStream(Stream source, Action<int> read) : ForwardStream
{
    public override int Read(Span<byte> buffer) => Count(source.Read(buffer));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Count(int bytes)
    {
        read(bytes);
        return bytes;
    }
}
