using System.Runtime.InteropServices;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Replication;

/// <summary>
/// Windows' ways of writing a path, from a database through its replica to a restored copy. Shares of a server are not tried: neither a build
/// machine nor Wine has one. <see cref="WindowsNameTests"/> sees to their text.
/// </summary>
public sealed partial class WindowsPathTests(ITestOutputHelper output)
{
    private static readonly string LongName = new('d', 120);

    [Theory]
    [InlineData(@"C:\a\.\b\..\app.db", @"C:\a\app.db")]
    [InlineData("c:/a/app.db", @"c:\a\app.db")]
    [InlineData(@"\\?\C:\a\app.db", @"C:\a\app.db")]
    [InlineData("//server/share/app.db", @"\\server\share\app.db")]
    [InlineData(@"\\?\UNC\server\share\app.db", @"\\server\share\app.db")]
    [InlineData(@"X:app.db", @"X:\app.db")]
    [InlineData(@"\a\app.db", @"C:\a\app.db")]
    [InlineData(@"a\app.db", @"C:\base\a\app.db")]
    public void A_file_has_one_full_path_however_it_is_written(string path, string expected)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Equal(expected, FullPath.Of(path, @"C:\base"));
        }
    }

    [Theory]
    [InlineData("plain", "app.db")]
    [InlineData("forward slashes", "app.db")]
    [InlineData("extended", "app.db")]
    [InlineData("other case", "App.DB")]
    [InlineData("plain", "数据 ünï [1] 'x'.db")]
    [InlineData("relative to a drive", "app.db")]
    [InlineData("plain", "longer than 260 characters")]
    [InlineData("extended", "longer than 260 characters")]
    public async Task A_database_is_replicated_and_restored_by_any_of_its_names(string form, string name)
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        await using ReplicationFolder folder = new();
        string place = name.StartsWith("longer", StringComparison.Ordinal)
            ? Directory.CreateDirectory(folder[LongName, LongName]).FullName
            : folder[""];
        string database = Path.Combine(place, name);
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(@"\\?\" + database);
        await application.ExecuteAsync("CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(5000))");
        string replica = Write(Path.Combine(place, "replica"), form);

        await folder.OnceAsync(new ReplicationOptions
        {
            DatabasePath = Write(database, form),
            Destinations = [ReplicaLocation.Parse(replica)],
            BusyTimeout = TimeSpan.FromSeconds(1),
        });
        string restored = Path.Combine(place, "restored " + name);
        await DatabaseRestorer.RestoreAsync(
            new RestoreOptions { Source = ReplicaLocation.Parse(replica), OutputPath = Write(restored, form), IntegrityCheck = IntegrityCheck.Full }, null, CancellationToken.None);

        application.Dispose();
        Assert.True(Directory.Exists(Path.Combine(place, $".{name}-litestream")));
        await Images.EqualAsync(@"\\?\" + database, Path.Combine(place, "replica"));
        Assert.True(File.Exists(restored));
    }

    [Fact]
    public async Task One_database_named_in_two_cases_is_one_database_and_so_is_a_place()
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 1);
        await folder.StartAsync();

        await Assert.ThrowsAsync<DatabaseInUseException>(() => folder.StartAsync(folder.Options with
        {
            DatabasePath = folder.Database.ToUpperInvariant(),
            Destinations = [ReplicaLocation.Parse(folder["other"])],
        }));
        Assert.Throws<ReplicaLocationException>(() => new Replicator(folder.Options with
        {
            Destinations = [ReplicaLocation.Parse(folder["twice"]), ReplicaLocation.Parse(folder["TWICE"])],
        }));
        IReplicaStore nested = ReplicaLocation.Parse(Path.Combine(folder.Replica.ToUpperInvariant(), "nested")).Open();
        await using (nested)
        {
            ReplicaLocationException refused = await Assert.ThrowsAsync<ReplicaLocationException>(
                () => nested.AcquireAsync(ReplicaOwner.Current(folder.Database, DateTimeOffset.UnixEpoch), CancellationToken.None));
            Assert.Contains("lies inside the replica", refused.Message, StringComparison.Ordinal);
        }

        DatabaseFolder databases = new() { Path = folder[""], Recurse = true, Except = [folder.Replica.ToUpperInvariant()] };
        Assert.Equal([folder.Database], databases.Candidates().Where(path => !path.Contains(".app.db-litestream", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_database_named_by_its_short_name_has_the_state_folder_of_its_long_one()
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        await using ReplicationFolder folder = new();
        string database = folder["a long name of a database.sqlite"];
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(database);
        await application.ExecuteAsync("CREATE TABLE t(b)");
        char[] found = new char[1000];
        string shortPath = new(found, 0, (int)GetShortPathName(database, found, (uint)found.Length));
        if (!Path.GetFileName(shortPath).Contains('~', StringComparison.Ordinal))
        {
            output.WriteLine("Not tried: this disk gives no short names.");
            return;
        }

        Assert.Equal(database, FullPath.Of(shortPath), ignoreCase: true);
        Assert.Equal(folder["not there~1.db"], FullPath.Of(folder["not there~1.db"]));
    }

    [Theory]
    [InlineData("app.db.")]
    [InlineData("app.db ")]
    [InlineData("nul.db")]
    [InlineData("app.db:stream")]
    [InlineData("deeper.\\app.db")]
    public async Task What_Windows_would_take_for_another_path_is_refused_before_anything_is_written(string name)
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        await using ReplicationFolder folder = new();
        string path = folder[name];
        using (ApplicationProcess application = await folder.OpenApplicationAsync(rows: 1))
        {
            await folder.OnceAsync();
        }

        string[] before = Entries(folder);
        Assert.Throws<PathUnusableException>(() => new Replicator(folder.Options with { DatabasePath = path }));
        Assert.Throws<PathUnusableException>(() => ReplicationReset.Run(path));
        Assert.Contains("Nothing was written", Assert.Throws<ReplicaLocationException>(() => ReplicaLocation.Parse(path)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PathUnusableException>(() => DatabaseRestorer.RestoreAsync(
            new RestoreOptions { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = path }, null, CancellationToken.None));
        Assert.Equal(before, Entries(folder));
    }

    private static string[] Entries(ReplicationFolder folder) =>
        [.. Directory.EnumerateFileSystemEntries(folder[""], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static string Write(string path, string form) => form switch
    {
        "forward slashes" => path.Replace('\\', '/'),
        "extended" => @"\\?\" + path,
        "other case" => path.ToUpperInvariant(),
        "relative to a drive" => path[..2] + Path.GetRelativePath(Path.GetFullPath(path[..2]), path),
        _ => path,
    };

    [LibraryImport("kernel32", EntryPoint = "GetShortPathNameW", StringMarshalling = StringMarshalling.Utf16)]
    private static partial uint GetShortPathName(string path, [Out] char[] found, uint length);
}
