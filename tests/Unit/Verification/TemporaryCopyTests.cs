using Litestream.Storage;
using Litestream.Verification;

namespace Litestream.Tests.Unit.Verification;

public sealed class TemporaryCopyTests
{
    [Fact]
    public void Nobody_else_may_enter_it_and_it_goes_with_the_test()
    {
        using TemporaryFolder folder = new();
        using (TemporaryCopy copy = new(Options(folder)))
        {
            string own = Path.GetDirectoryName(copy.Path)!;
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(own));
            }

            Assert.Equal([own], Directory.GetDirectories(folder.FullPath));
        }

        Assert.Empty(Directory.GetDirectories(folder.FullPath));
    }

    [Fact]
    public void What_a_killed_test_has_left_is_removed_and_what_another_uses_is_not()
    {
        using TemporaryFolder folder = new();
        string left = Directory.CreateDirectory(folder["litestream-copy-left"]).FullName;
        File.WriteAllText(Path.Combine(left, "in-use"), "");
        File.WriteAllText(Path.Combine(left, "copy.db"), "all that the database holds");
        Directory.CreateDirectory(folder["another"]);
        using TemporaryCopy used = new(Options(folder));
        using TemporaryCopy next = new(Options(folder));

        Assert.Equal(
            new[] { folder["another"], Path.GetDirectoryName(used.Path)!, Path.GetDirectoryName(next.Path)! }.Order(),
            Directory.GetDirectories(folder.FullPath).Order());
    }

    private static VerificationOptions Options(TemporaryFolder folder) =>
        new() { Source = ReplicaLocation.Parse(folder["r"]), TemporaryFolder = folder.FullPath };
}
