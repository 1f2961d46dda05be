using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

/// <summary>Reads whole files in tests.</summary>
internal static class LtxReading
{
    internal sealed record Content(LtxHeader Header, LtxTrailer Trailer, List<(uint Number, byte[] Page)> Pages);

    internal static Task<Content> ReadAsync(byte[] file) => ReadAsync(new MemoryStream(file));

    internal static async Task<Content> ReadAsync(Stream stream)
    {
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, "test.ltx", CancellationToken.None);
        var pages = new List<(uint, byte[])>();
        byte[] page = new byte[decoder.Header.PageSize];
        while (await decoder.ReadPageAsync(page, CancellationToken.None) is var number and not 0)
        {
            pages.Add((number, [.. page]));
        }

        Assert.Equal(0u, await decoder.ReadPageAsync(page, CancellationToken.None));
        return new Content(decoder.Header, decoder.Trailer, pages);
    }

    internal static async Task<LtxFormatException> FailsAsync(byte[] file)
    {
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => ReadAsync(file));
        Assert.Equal("test.ltx", e.File);
        Assert.Equal("ReplicaCorrupt", e.ErrorId);
        Assert.Contains("test.ltx", e.Message, StringComparison.Ordinal);
        return e;
    }
}
