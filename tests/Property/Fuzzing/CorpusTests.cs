using Litestream.Tests.Fuzz;
using Xunit.Abstractions;

namespace Litestream.Tests.Properties.Fuzzing;

/// <summary>
/// The fuzz targets over their corpus, and over what becomes of it by a few random changes: no other error than the reader's own comes
/// out, memory is bounded by what was given, and it ends.
/// </summary>
public sealed class CorpusTests(ITestOutputHelper output)
{
    private const int ChangesOfEach = 300;
    private const long MemoryBound = 64 << 20;

    private static readonly string Corpus = Path.Combine(AppContext.BaseDirectory, "corpus");

    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Whatever_the_bytes_the_reader_returns_or_refuses(string target)
    {
        Action<byte[]> read = FuzzTargets.All[target];
        string[] files = Directory.GetFiles(Path.Combine(Corpus, target));
        Assert.NotEmpty(files);
        int tried = 0;
        foreach (byte[] seed in files.Order().Select(File.ReadAllBytes))
        {
            var random = new Random(seed.Length);
            for (int i = 0; i < ChangesOfEach * PropertySettings.Scale; i++)
            {
                byte[] bytes = i == 0 ? seed : Changed(seed, random);
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    read(bytes);
                }
                catch (Exception e)
                {
                    Assert.Fail($"{target}, {Convert.ToHexString(bytes)}: {e}");
                }

                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated < MemoryBound, $"{target}, {Convert.ToHexString(bytes)}: {allocated} bytes allocated.");
                tried++;
            }
        }

        output.WriteLine($"{target}: {tried} inputs from {files.Length} files.");
    }

    // A few bits, bytes of the extreme, integers that claim much, pieces cut out or doubled.
    private static byte[] Changed(byte[] seed, Random random)
    {
        List<byte> bytes = [.. seed];
        for (int n = random.Next(1, 5); n > 0 && bytes.Count > 0; n--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = random.Next(2) == 0 ? (byte)0 : (byte)0xFF;
                    break;
                case 2:
                    for (int i = at; i < Math.Min(at + 4, bytes.Count); i++)
                    {
                        bytes[i] = (byte)(i == at ? 0x7F : 0xFF);
                    }

                    break;
                case 3:
                    bytes.RemoveRange(at, random.Next(bytes.Count - at + 1));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(Math.Min(600, bytes.Count - at) + 1)));
                    break;
                default:
                    bytes[at] = (byte)random.Next(256);
                    break;
            }
        }

        return [.. bytes];
    }
}
