using System.Globalization;
using Litestream.Verification;

namespace Litestream.Tests.Unit.Verification;

/// <summary>Two images are the same only if every byte is, and the pages that differ are named.</summary>
public sealed class ImageDigestTests : IDisposable
{
    private const int Megabyte = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(512, 1)]
    [InlineData(512, 2049)]
    [InlineData(4096, 256)]
    [InlineData(4096, 257)]
    [InlineData(65536, 33)]
    public async Task One_byte_anywhere_makes_another_image(int pageSize, int pages)
    {
        byte[] image = new byte[pageSize * pages];
        new Random(pages).NextBytes(image);
        ImageDigest digest = await DigestAsync(image, pageSize);

        Assert.True(digest.IsSameAs(await DigestAsync(image, pageSize)));
        foreach (int at in new[] { 0, image.Length - 1, Megabyte - 1, Megabyte, 2 * Megabyte }.Where(at => at < image.Length))
        {
            byte[] changed = [.. image];
            changed[at] ^= 1;
            ImageDigest other = await DigestAsync(changed, pageSize);

            Assert.False(digest.IsSameAs(other));
            Assert.Equal(
                string.Create(CultureInfo.InvariantCulture, $"1 pages differ ({(at / pageSize) + 1})"), digest.DescribeDifference(other, most: 3));
        }
    }

    [Fact]
    public async Task Images_of_different_sizes_are_not_the_same()
    {
        ImageDigest two = await DigestAsync(new byte[1024], 512);

        Assert.False(two.IsSameAs(await DigestAsync(new byte[512], 512)));
        Assert.False(two.IsSameAs(await DigestAsync(new byte[1024], 1024)));
        Assert.Equal("it has 1 pages instead of 2; 0 pages differ", two.DescribeDifference(await DigestAsync(new byte[512], 512), most: 3));
    }

    [Fact]
    public async Task Only_so_many_pages_are_named()
    {
        byte[] image = [.. Enumerable.Repeat((byte)1, 5 * 512)];

        Assert.Equal(
            "5 pages differ (1, 2, …)",
            (await DigestAsync(new byte[image.Length], 512)).DescribeDifference(await DigestAsync(image, 512), most: 2));
    }

    private async Task<ImageDigest> DigestAsync(byte[] image, int pageSize)
    {
        string path = _folder["image.db"];
        await File.WriteAllBytesAsync(path, image);
        return await ImageDigest.OfFileAsync(path, pageSize, CancellationToken.None);
    }
}
