using Litestream.Configuration;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Configuration;

/// <summary><c>litestream.yml</c>: what Litestream takes is taken, what it passes over in silence is an error.</summary>
public sealed class ConfigurationTests
{
    [Fact]
    public void Everything_that_means_something_is_read()
    {
        LitestreamConfiguration read = Read(
            """
            addr: ":9090"
            exec: myapp --serve
            heartbeat-url: https://hc.example/ping
            heartbeat-interval: 2m
            validation: {interval: 6h}
            levels:
              - interval: 10s
              - interval: 1m
            snapshot: {interval: 12h, retention: 48h}
            l0-retention: 10m
            access-key-id: AKIA
            secret-access-key: hidden
            region: eu-central-1
            dbs:
              - path: sqlite:///srv/a.db
                restore-if-db-not-exists: true
                busy-timeout: 1500ms
                replica:
                  url: s3://bucket/a
                  sync-interval: 2s
                  part-size: 6MiB
              - path: b.db
                snapshot: {retention: 168h}
                replicas:
                  - path: /backup/b
                    snapshot: {retention: 720h}
                    l0-retention: 1h
                  - type: s3
                    bucket: other
                    path: /b/
                    endpoint: http://127.0.0.1:9000
                    force-path-style: true
            """);

        Assert.Equal((":9090", "myapp --serve", TimeSpan.FromMinutes(2)), (read.MetricsAddress, read.Command, read.HeartbeatInterval));
        Assert.Equal((TimeSpan.FromHours(6), "https://hc.example/ping"), (read.ValidationInterval!.Value, read.HeartbeatUri!.AbsoluteUri));
        Assert.Equal([TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1)], read.Maintenance.Levels);
        DatabaseConfiguration a = read.Databases[0];
        Assert.Equal((Full("/srv/a.db"), true, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(2)), (a.Path, a.RestoreIfMissing, a.BusyTimeout!.Value, a.SyncInterval!.Value));
        Assert.Equal(
            new S3Location("bucket", "a") { Region = "eu-central-1", PartSize = 6 << 20, Credentials = new S3Credentials("AKIA", "hidden") },
            Assert.Single(a.Destinations));
        Assert.Equal((TimeSpan.FromHours(12), TimeSpan.FromHours(48), TimeSpan.FromMinutes(10)), (a.Maintenance.SnapshotInterval, a.Maintenance.SnapshotRetention, a.Maintenance.Level0Retention));
        DatabaseConfiguration b = read.Databases[1];
        Assert.Equal((Full("/base/b.db"), TimeSpan.FromHours(168)), (b.Path, b.Maintenance.SnapshotRetention));
        Assert.Equal(
            [(TimeSpan.FromHours(720), TimeSpan.FromHours(1)), (TimeSpan.FromHours(168), TimeSpan.FromMinutes(10))],
            b.DestinationMaintenance.Select(own => (own.SnapshotRetention, own.Level0Retention)));
        Assert.Empty(a.DestinationMaintenance);
        Assert.Equal([Full("/backup/b"), "s3://other/b?endpoint=http://127.0.0.1:9000"], b.Destinations.Select(place => place.Address));
        Assert.True(((S3Location)b.Destinations[1]).ForcePathStyle);
        Assert.Empty(read.Notes);
    }

    [Theory]
    [InlineData("dbs:\n  - path: a.db\n    replicsa: {path: r}\n", "line 3, column 5: 'replicsa' is no key that is known here. Did you mean 'replica'?")]
    [InlineData("snapshots:\n  interval: 1h\n", "line 1, column 1: 'snapshots' is no key that is known here. Did you mean 'snapshot'?")]
    [InlineData("quite-another-thing: 1\n", "line 1, column 1: 'quite-another-thing' is no key that is known here.")]
    [InlineData("dbs:\n  - path: a.db\n    replica: {path: r, sync-interval: soon}\n", "line 3, column 24: 'sync-interval' is a length of time")]
    [InlineData("dbs:\n  - path: a.db\n", "line 2, column 5: a database needs a replica")]
    [InlineData("dbs:\n  - replica: {path: r}\n", "line 2, column 5: a database needs a path, or a dir")]
    [InlineData("dbs:\n  - dir: d\n    replica: {path: r}\n", "line 2, column 5: 'dir' needs a 'pattern'")]
    [InlineData("dbs:\n  - path: a.db\n    watch: true\n    replica: {path: r}\n", "line 3, column 5: 'watch' goes with 'dir'")]
    [InlineData("dbs:\n  - path: a.db\n    replica: {url: 'sftp://host/x'}\n", "line 3, column 15: replicas of type 'sftp' are not supported yet")]
    [InlineData("dbs:\n  - path: a.db\n    replica: {path: r, age: {recipients: [x]}}\n", "encryption with age is not known")]
    [InlineData("dbs:\n  - path: a.db\n    replica: {url: 's3://b/p', access-key-id: x}\n", "access-key-id and secret-access-key go together")]
    [InlineData("levels:\n  - interval: 1h\n  - interval: 1m\n", "line 1, column 1: The interval of level 2")]
    [InlineData("heartbeat-interval: 5s\n", "line 1, column 1: 'heartbeat-interval' is at least 1m")]
    [InlineData("dbs: {path: a.db}\n", "line 1, column 1: 'dbs' is a list")]
    [InlineData("dbs: [\n", "this is not YAML")]
    [InlineData("a: 1\na: 2\n", "this is not YAML")]
    [InlineData("addr: &x 1\nexec: *x\n", "aliases (*) are not read")]
    public void What_cannot_be_is_named_with_its_place(string text, string message)
    {
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => Read(text));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was started.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_message_shows_a_secret()
    {
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => Read(
            "secret-access-key: hidden\ndbs:\n  - path: a.db\n    replica: {url: 's3://bucket/a?nothing=hidden'}\n"));

        Assert.DoesNotContain("hidden", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_without_end_is_refused_before_it_is_followed() =>
        Assert.Contains("nested too deeply", Assert.Throws<ConfigurationException>(() => Read("a: " + new string('[', 500_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void What_has_no_effect_is_said_with_its_line() => Assert.Equal(
        [
            "line 1: 'socket' has no effect: other sessions of the same user reach the replications without it",
            "line 4: 'monitor-interval' has no effect: the WAL is looked at every 2 to 250 ms",
        ],
        Read("socket: {enabled: true}\ndbs:\n  - path: a.db\n    monitor-interval: 1s\n    replica: {path: r}\n").Notes);

    [Theory]
    [InlineData("$A-${B_2}", "1-2")]
    [InlineData("$A$A", "11")]
    [InlineData("a$", "a$")]
    [InlineData("${A", "${A")]
    [InlineData("$-x $$A", "$-x $1")]
    [InlineData("<$NONE>", "<>")]
    public void Variables_are_expanded_in_the_whole_text(string text, string expanded)
    {
        (string result, IReadOnlyList<(string Name, int Line)> unset) =
            EnvironmentExpansion.Expand(text, name => name switch { "A" => "1", "B_2" => "2", _ => null });

        Assert.Equal(expanded, result);
        Assert.Equal(text.Contains("NONE", StringComparison.Ordinal) ? [("NONE", 1)] : [], unset);
    }

    [Fact]
    public void A_variable_that_is_not_set_is_said() => Assert.Equal(
        ["line 2: the environment variable NONE is not set, and became nothing"],
        ConfigurationReader.Read("addr: x\nexec: $NONE\n", "f", Full("/base"), _ => null).Notes);

    [Fact]
    public void A_folder_means_the_databases_in_it_each_with_a_place_of_its_own()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["sub"]);
        foreach (string name in (string[])["b.db", "a.db", "other.txt", Path.Combine("sub", "c.db")])
        {
            using Sqlite.Application application = new(folder[name]);
            application.Fill(1);
        }

        File.WriteAllText(folder["not.db"], "no database");
        DatabaseConfiguration entry = Read($"dbs:\n  - dir: '{folder.FullPath}'\n    pattern: '*.db'\n    recursive: true\n    replica: {{path: /r}}\n").Databases.Single();

        Assert.Equal(
            [("a.db", Full("/r/a.db")), ("b.db", Full("/r/b.db")), (Path.Combine("sub", "c.db"), Full("/r/sub/c.db"))],
            entry.Expand().Select(one => (Path.GetRelativePath(folder.FullPath, one.Path), one.Destinations.Single().Address)));
    }

    [Fact]
    public void What_is_written_reads_as_it_was_but_for_secrets()
    {
        LitestreamConfiguration read = Read(
            """
            addr: localhost:9090
            validation: {interval: 90m}
            levels: [{interval: 10s}, {interval: 5m}]
            snapshot: {interval: 6h, retention: 36h}
            dbs:
              - path: "/srv/a #b.db"
                snapshot: {retention: 72h}
                replica: {url: 's3://bucket/a', endpoint: 'https://minio.example', access-key-id: AKIA, secret-access-key: hidden, sync-interval: 500ms}
              - dir: /srv/all
                pattern: '*.db'
                replicas: [{path: /r, snapshot: {retention: 960h}}, {path: /q, l0-retention: 7m}]
            """);
        string text = ConfigurationWriter.Write(read);
        LitestreamConfiguration again = Read(text);

        Assert.DoesNotContain("hidden", text, StringComparison.Ordinal);
        Assert.Equal(text, ConfigurationWriter.Write(again));
        Assert.Equal((read.MetricsAddress, read.ValidationInterval), (again.MetricsAddress, again.ValidationInterval));
        Assert.Equal(read.Maintenance.Levels, again.Maintenance.Levels);
        Assert.Equal(
            read.Databases.Select(one => (one.Path, one.Pattern, one.SyncInterval, one.Maintenance.SnapshotRetention)),
            again.Databases.Select(one => (one.Path, one.Pattern, one.SyncInterval, one.Maintenance.SnapshotRetention)));
        Assert.Equal(2, read.Databases.Max(one => one.DestinationMaintenance.Count));
        Assert.Equal(
            read.Databases.SelectMany(one => one.DestinationMaintenance).Select(own => (own.SnapshotRetention, own.Level0Retention)),
            again.Databases.SelectMany(one => one.DestinationMaintenance).Select(own => (own.SnapshotRetention, own.Level0Retention)));
        Assert.Equal(
            read.Databases.SelectMany(one => one.Destinations).Select(place => place.Address),
            again.Databases.SelectMany(one => one.Destinations).Select(place => place.Address));
    }

    private static LitestreamConfiguration Read(string text) => ConfigurationReader.Read(text, "litestream.yml", Full("/base"), variable: null);

    // On Windows such a path stands on a drive.
    private static string Full(string path) => Path.GetFullPath(path);
}
