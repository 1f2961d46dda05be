using System.Globalization;
using Litestream.Maintenance;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Litestream.Configuration;

/// <summary>
/// Reads <c>litestream.yml</c> as Litestream 0.5 does, more strictly: what it passes over in silence (a key it does not know) is an error here,
/// and what has no effect here is said.
/// </summary>
public sealed class ConfigurationReader
{
    private const int MaxBytes = 1 << 20;
    private const int MaxDepth = 32;

    private static readonly string[] SnapshotKeys = ["interval", "retention"];
    private static readonly string[] FolderKeys = ["pattern", "recursive", "watch"];
    private static readonly string[] IntervalKey = ["interval"];
    private static readonly string[] EnabledKey = ["enabled"];
    private static readonly string[] SocketKeys = ["enabled", "path", "permissions"];
    private static readonly string[] LoggingKeys = ["level", "type", "stderr", "source"];
    private static readonly TimeSpan ShortestHeartbeat = TimeSpan.FromMinutes(1);

    private readonly string _file;
    private readonly string _baseFolder;
    private readonly List<string> _notes = [];

    private ConfigurationReader(string file, string baseFolder) => (_file, _baseFolder) = (file, baseFolder);

    /// <summary>Reads a file.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="baseFolder">What relative paths in it are relative to.</param>
    /// <param name="expand">Replace <c>$NAME</c> and <c>${NAME}</c>.</param>
    /// <exception cref="ConfigurationException">It cannot be read, or says what cannot be.</exception>
    public static LitestreamConfiguration ReadFile(string path, string baseFolder, bool expand = true)
    {
        ArgumentNullException.ThrowIfNull(path);
        string text;
        try
        {
            text = new FileInfo(path).Length <= MaxBytes ? File.ReadAllText(path) : throw new IOException("it has more than 1 MiB.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The configuration '{path}' cannot be read: {exception.Message} Nothing was started.", exception) { File = path };
        }

        return Read(text, path, baseFolder, expand ? Environment.GetEnvironmentVariable : null);
    }

    /// <summary>Reads a text.</summary>
    /// <param name="text">YAML, at most 1 MiB.</param>
    /// <param name="file">Where it is from, for messages.</param>
    /// <param name="baseFolder">What relative paths in it are relative to.</param>
    /// <param name="variable">The environment; null to expand nothing.</param>
    /// <exception cref="ConfigurationException">It says what cannot be.</exception>
    public static LitestreamConfiguration Read(string text, string file, string baseFolder, Func<string, string?>? variable)
    {
        ArgumentNullException.ThrowIfNull(text);
        ConfigurationReader reader = new(file, baseFolder);
        if (variable is not null)
        {
            (text, IReadOnlyList<(string Name, int Line)> unset) = EnvironmentExpansion.Expand(text, variable);
            reader._notes.AddRange(unset.Select(missing => string.Create(
                CultureInfo.InvariantCulture, $"line {missing.Line}: the environment variable {missing.Name} is not set, and became nothing")));
        }

        try
        {
            EnsureShallow(text, file);
            YamlStream stream = new();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 0 ? new LitestreamConfiguration() : reader.Read(stream.Documents[0].RootNode);
        }
        catch (YamlException exception)
        {
            throw YamlSection.Error(file, exception.Start, $"this is not YAML ({exception.InnerException?.Message ?? exception.Message})");
        }
    }

    // The parser follows nesting by recursion; a file of nothing but brackets would end the process.
    private static void EnsureShallow(string text, string file)
    {
        Parser parser = new(new StringReader(text));
        int depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current is MappingStart or SequenceStart ? 1 : parser.Current is MappingEnd or SequenceEnd ? -1 : 0;
            if (depth > MaxDepth || parser.Current is AnchorAlias)
            {
                throw YamlSection.Error(file, parser.Current!.Start, depth > MaxDepth ? "this is nested too deeply" : "aliases (*) are not read");
            }
        }
    }

    private LitestreamConfiguration Read(YamlNode root)
    {
        YamlSection top = new(root, _file, ConfigurationKeys.Top);
        top.Section("socket", SocketKeys);
        top.Section("logging", LoggingKeys);
        Note(top, ConfigurationKeys.TopWithoutEffect);
        Note(top, ConfigurationKeys.ReplicaWithoutEffect);
        LitestreamConfiguration usual = new();
        MaintenanceOptions maintenance = Maintenance(top, usual.Maintenance);
        if (top.Duration("heartbeat-interval") < ShortestHeartbeat)
        {
            throw top.Error("heartbeat-interval", "'heartbeat-interval' is at least 1m");
        }

        return usual with
        {
            MetricsAddress = top.Text("addr"),
            Command = top.Text("exec"),
            HeartbeatUri = Heartbeat(top),
            HeartbeatInterval = top.Duration("heartbeat-interval") ?? usual.HeartbeatInterval,
            ValidationInterval = top.Section("validation", IntervalKey)?.Duration("interval") is { Ticks: > 0 } interval ? interval : null,
            Maintenance = maintenance,
            Databases = [.. top.Sections("dbs", ConfigurationKeys.Database).Select(database => Database(database, top, maintenance))],
            Notes = _notes,
        };
    }

    private static Uri? Heartbeat(YamlSection top) => top.Text("heartbeat-url") is not { } text ? null
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" ? uri
        : throw top.Error("heartbeat-url", "'heartbeat-url' is a whole http:// or https:// address");

    private MaintenanceOptions Maintenance(YamlSection top, MaintenanceOptions usual)
    {
        TimeSpan[] levels = [.. top.Sections("levels", IntervalKey).Select(level => level.Duration("interval") ?? throw level.Error("interval", "a level needs an interval"))];
        bool deletes = top.Section("retention", EnabledKey)?.Boolean("enabled") ?? true;
        if (!deletes)
        {
            _notes.Add($"line {top.LineOf("retention")}: with retention.enabled false nothing is deleted, and nothing merged either");
        }

        return WithSnapshot(top, usual with
        {
            Enabled = deletes,
            Levels = levels.Length > 0 ? levels : usual.Levels,
            Level0Retention = top.Duration("l0-retention") ?? usual.Level0Retention,
        });
    }

    private static MaintenanceOptions WithSnapshot(YamlSection section, MaintenanceOptions above)
    {
        YamlSection? snapshot = section.Section("snapshot", SnapshotKeys);
        MaintenanceOptions result = above with
        {
            SnapshotInterval = snapshot?.Duration("interval") ?? above.SnapshotInterval,
            SnapshotRetention = snapshot?.Duration("retention") ?? above.SnapshotRetention,
        };
        try
        {
            result.Validate();
            return result;
        }
        catch (MaintenanceSettingException exception)
        {
            throw section.Error(snapshot is not null ? "snapshot" : section.Has("l0-retention") ? "l0-retention" : "levels", exception.Message);
        }
    }

    private DatabaseConfiguration Database(YamlSection database, YamlSection top, MaintenanceOptions maintenance)
    {
        Note(database, ConfigurationKeys.DatabaseWithoutEffect);
        string? folder = database.Text("dir");
        string path = folder ?? database.Text("path") ?? throw database.Error("path", "a database needs a path, or a dir");
        if (folder is not null && (database.Has("path") || !database.Has("pattern")))
        {
            throw database.Error("dir", database.Has("path") ? "'path' and 'dir' exclude each other" : "'dir' needs a 'pattern' such as *.db");
        }

        if (folder is null && FolderKeys.FirstOrDefault(database.Has) is { } stray)
        {
            throw database.Error(stray, $"'{stray}' goes with 'dir'");
        }

        List<YamlSection> sections = Replicas(database);
        ReplicaSettings[] replicas = [.. sections.Select(replica => new ReplicaSettings(replica, top, _baseFolder))];
        MaintenanceOptions shared = WithSnapshot(database, maintenance);
        return new DatabaseConfiguration
        {
            Path = PathOf(database, folder is null ? "path" : "dir", path),
            Pattern = folder is null ? null : database.Text("pattern"),
            Recursive = database.Boolean("recursive") ?? false,
            Watch = database.Boolean("watch") ?? false,
            Destinations = [.. replicas.Select(replica => replica.Location())],
            SyncInterval = replicas[0].SyncInterval,
            BusyTimeout = database.Duration("busy-timeout"),
            RestoreIfMissing = database.Boolean("restore-if-db-not-exists") ?? false,
            Maintenance = shared,
            DestinationMaintenance = sections.Any(replica => replica.Has("snapshot") || replica.Has("l0-retention"))
                ? [.. sections.Select(replica => WithSnapshot(replica, shared with { Level0Retention = replica.Duration("l0-retention") ?? shared.Level0Retention }))]
                : [],
        };
    }

    private List<YamlSection> Replicas(YamlSection database)
    {
        List<YamlSection> replicas = [.. database.Sections("replicas", ConfigurationKeys.OwnReplica)];
        if (database.Section("replica", ConfigurationKeys.OwnReplica) is { } one)
        {
            replicas.Insert(0, one);
        }

        replicas.ForEach(replica => Note(replica, ConfigurationKeys.ReplicaWithoutEffect));
        return replicas.Count > 0 ? replicas : throw database.Error("replica", "a database needs a replica");
    }

    private void Note(YamlSection section, (string Key, string Why)[] withoutEffect) => _notes.AddRange(
        withoutEffect.Where(entry => section.Has(entry.Key)).Select(entry => $"line {section.LineOf(entry.Key)}: '{entry.Key}' has no effect: {entry.Why}"));

    private string PathOf(YamlSection database, string key, string path)
    {
        foreach (string prefix in (string[])["sqlite3://", "sqlite://"])
        {
            path = path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : path;
        }

        path = path.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[2..]) : path;
        try
        {
            return FullPath.Of(path, _baseFolder);
        }
        catch (PathUnusableException exception)
        {
            throw database.Error(key, exception.Message);
        }
    }
}
