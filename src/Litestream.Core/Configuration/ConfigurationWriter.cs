using System.Globalization;
using Litestream.Maintenance;
using Litestream.Storage;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Litestream.Configuration;

/// <summary>Writes a <c>litestream.yml</c>. Secrets are left out: they belong into the environment.</summary>
public static class ConfigurationWriter
{
    /// <summary>Writes what is not as it usually is.</summary>
    /// <param name="configuration">What to write.</param>
    /// <returns>The text.</returns>
    public static string Write(LitestreamConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        LitestreamConfiguration usual = new();
        YamlMappingNode root = [];
        Add(root, "addr", configuration.MetricsAddress);
        Add(root, "exec", configuration.Command);
        Add(root, "heartbeat-url", configuration.HeartbeatUri?.AbsoluteUri);
        Add(root, "heartbeat-interval", Duration(configuration.HeartbeatInterval, usual.HeartbeatInterval));
        if (configuration.ValidationInterval is { } validation)
        {
            root.Add("validation", new YamlMappingNode("interval", Duration(validation)));
        }

        AddMaintenance(root, configuration.Maintenance, usual.Maintenance);
        root.Add("dbs", new YamlSequenceNode(configuration.Databases.Select(database => Database(database, configuration.Maintenance))));
        using StringWriter text = new(CultureInfo.InvariantCulture);
        new YamlStream(new YamlDocument(root)).Save(new Emitter(text, EmitterSettings.Default.WithNewLine("\n")), assignAnchors: false);
        return text.ToString().Replace("\n...\n", "\n", StringComparison.Ordinal);
    }

    private static void AddMaintenance(YamlMappingNode node, MaintenanceOptions options, MaintenanceOptions above)
    {
        if (!options.Levels.SequenceEqual(above.Levels))
        {
            node.Add("levels", new YamlSequenceNode(options.Levels.Select(level => new YamlMappingNode("interval", Duration(level)))));
        }

        YamlMappingNode snapshot = [];
        Add(snapshot, "interval", Duration(options.SnapshotInterval, above.SnapshotInterval));
        Add(snapshot, "retention", Duration(options.SnapshotRetention, above.SnapshotRetention));
        if (snapshot.Children.Count > 0)
        {
            node.Add("snapshot", snapshot);
        }

        Add(node, "l0-retention", Duration(options.Level0Retention, above.Level0Retention));
        if (options.Enabled != above.Enabled)
        {
            node.Add("retention", new YamlMappingNode("enabled", options.Enabled ? "true" : "false"));
        }
    }

    private static YamlMappingNode Database(DatabaseConfiguration database, MaintenanceOptions above)
    {
        YamlMappingNode node = [];
        Add(node, database.Pattern is null ? "path" : "dir", database.Path);
        Add(node, "pattern", database.Pattern);
        Add(node, "recursive", database.Recursive ? "true" : null);
        Add(node, "watch", database.Watch ? "true" : null);
        Add(node, "restore-if-db-not-exists", database.RestoreIfMissing ? "true" : null);
        Add(node, "busy-timeout", database.BusyTimeout is { } busy ? Duration(busy) : null);
        // Of the settings of maintenance Litestream takes these two from a database.
        AddMaintenance(node, above with { SnapshotInterval = database.Maintenance.SnapshotInterval, SnapshotRetention = database.Maintenance.SnapshotRetention }, above);
        YamlMappingNode[] replicas = [.. database.Destinations.Select(place => Replica(place, database.SyncInterval))];
        foreach ((YamlMappingNode replica, MaintenanceOptions own) in replicas.Zip(database.DestinationMaintenance))
        {
            AddMaintenance(replica, own with { Levels = database.Maintenance.Levels, Enabled = database.Maintenance.Enabled }, database.Maintenance);
        }

        if (replicas.Length == 1)
        {
            node.Add("replica", replicas[0]);
        }
        else
        {
            node.Add("replicas", new YamlSequenceNode(replicas));
        }

        return node;
    }

    private static YamlMappingNode Replica(ReplicaLocation place, TimeSpan? syncInterval)
    {
        YamlMappingNode node = [];
        if (place is S3Location s3)
        {
            Add(node, "url", $"s3://{s3.Bucket}{(s3.Path.Length > 0 ? "/" : "")}{s3.Path}");
            Add(node, "endpoint", s3.Endpoint?.OriginalString);
            Add(node, "region", s3.Region);
            Add(node, "force-path-style", s3.ForcePathStyle is { } style ? (style ? "true" : "false") : null);
            Add(node, "skip-verify", s3.SkipCertificateCheck ? "true" : null);
            Add(node, "storage-class", s3.StorageClass);
            Add(node, "sse-kms-key-id", s3.KmsKeyId);
            Add(node, "part-size", s3.PartSize == new S3Location("", "").PartSize ? null : s3.PartSize.ToString(CultureInfo.InvariantCulture));
            Add(node, "concurrency", s3.Concurrency?.ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            Add(node, "type", "file");
            Add(node, "path", place.Address);
        }

        Add(node, "sync-interval", syncInterval is { } interval ? Duration(interval) : null);
        return node;
    }

    private static void Add(YamlMappingNode node, string key, string? value)
    {
        if (value is not null)
        {
            node.Add(key, value);
        }
    }

    private static string? Duration(TimeSpan value, TimeSpan usual) => value == usual ? null : Duration(value);

    private static string Duration(TimeSpan value) => value switch
    {
        { Ticks: 0 } => "0s",
        _ when value.Ticks % TimeSpan.TicksPerHour == 0 => string.Create(CultureInfo.InvariantCulture, $"{(long)value.TotalHours}h"),
        _ when value.Ticks % TimeSpan.TicksPerMinute == 0 => string.Create(CultureInfo.InvariantCulture, $"{(long)value.TotalMinutes}m"),
        _ when value.Ticks % TimeSpan.TicksPerSecond == 0 => string.Create(CultureInfo.InvariantCulture, $"{(long)value.TotalSeconds}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:0.######}ms"),
    };
}
