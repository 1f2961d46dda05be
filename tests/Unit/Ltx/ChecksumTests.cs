using System.Text;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

public class ChecksumTests
{
    [Fact]
    public void Crc_of_the_check_string_is_the_published_one() =>
        Assert.Equal(0xb90956c775a41001, Crc64.Compute("123456789"u8));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(4096)]
    [InlineData(65536 + 13)]
    public void Crc_equals_the_one_computed_bit_by_bit(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        Assert.Equal(LtxSpecimen.Crc(bytes), Crc64.Compute(bytes));
    }

    // All but the last stand in the tests of github.com/superfly/ltx (compactor_test.go).
    [Theory]
    [InlineData(0x8a249272ad9f7dea, 1024, 0x81, 0x82, 0x83)]
    [InlineData(0x8a249272ad9f7dea, 1024, 0x91, 0x82, 0x93)]
    [InlineData(0xeb1a999231044ddd, 512, 0x31)]
    [InlineData(0xeb953fc47685d740, 1024, 0x81)]
    [InlineData(0xefffffffecd99000, 512, 1, 2, 3)]
    public void Database_checksum_is_the_xor_of_its_pages(ulong expected, int pageSize, params int[] fill)
    {
        ulong sum = 0;
        for (int i = 0; i < fill.Length; i++)
        {
            sum = PageChecksum.Flag | (sum ^ PageChecksum.Compute((uint)i + 1, LtxSpecimen.Repeat((byte)fill[i], pageSize)));
        }

        Assert.Equal(expected, sum);
    }

    [Theory]
    [InlineData(512, 2097153u)]
    [InlineData(1024, 1048577u)]
    [InlineData(2048, 524289u)]
    [InlineData(4096, 262145u)]
    [InlineData(8192, 131073u)]
    [InlineData(16384, 65537u)]
    [InlineData(32768, 32769u)]
    [InlineData(65536, 16385u)]
    public void Lock_page_is_the_one_at_one_gibibyte(int pageSize, uint expected) => Assert.Equal(expected, LockPage.Number(pageSize));

    // Published in the specification's repository (Cyan4973/xxHash) and in LZ4 frames of known content.
    [Theory]
    [InlineData("", 0x02CC5D05u)]
    [InlineData("a", 0x550D7456u)]
    [InlineData("abc", 0x32D153FFu)]
    [InlineData("Nobody inspects the spammish repetition", 0xE2293B2Fu)]
    public void Frame_checksum_is_the_published_one(string text, uint expected) =>
        Assert.Equal(expected, XxHash32.Compute(Encoding.ASCII.GetBytes(text)));
}
