using System.Globalization;
using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Properties.Ltx;

namespace Litestream.Tests.Properties.Restoration;

public class RestoreProperties
{
    private const int Transactions = 14;

    [ScaledProperty(60)]
    public async Task Replica_with_merges_overlaps_and_losses_gives_the_right_image_or_an_error(int seed)
    {
        var database = new RandomDatabase(seed, Transactions);
        var random = new Random(seed);
        string folder = Directory.CreateTempSubdirectory("litestream-test-").FullName;
        try
        {
            await FillAsync(folder, database, random);
            for (ulong txid = 1; txid <= Transactions; txid++)
            {
                var options = new RestoreOptions
                {
                    Source = ReplicaLocation.Parse(folder),
                    OutputPath = Path.Combine(folder, $"{txid}.db"),
                    TargetTxid = txid,
                    SeedLocalState = false,
                };
                try
                {
                    RestoreResult result = await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
                    Assert.Equal(txid, result.Txid);
                    Assert.Equal(database.Images[(int)txid - 1], await File.ReadAllBytesAsync(result.Path));
                }
                catch (LitestreamException e) when (e is ReplicaGapException or ReplicaNotFoundException)
                {
                    Assert.False(File.Exists(options.OutputPath));
                }
            }

            Assert.Empty(Directory.EnumerateFiles(folder, "*.restoring-*"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task FillAsync(string folder, RandomDatabase database, Random random)
    {
        for (int i = 0; i < Transactions; i++)
        {
            if (i == 0 || random.Next(5) != 0)
            {
                Put(folder, 0, i, i, database.Files[i]);
            }
        }

        for (int n = random.Next(8); n > 0; n--)
        {
            int first = random.Next(Transactions);
            int last = random.Next(first, Transactions);
            byte[] merged = await RandomDatabase.MergeAsync(database.Files[first..(last + 1)]);
            Put(folder, first == 0 && random.Next(2) == 0 ? LtxFileName.SnapshotLevel : random.Next(1, 4), first, last, merged);
        }
    }

    private static void Put(string folder, int level, int first, int last, byte[] content)
    {
        string path = Path.Combine(folder, "ltx", level.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(path);
        File.WriteAllBytes(Path.Combine(path, new LtxFileName((ulong)first + 1, (ulong)last + 1).ToString()), content);
    }
}
