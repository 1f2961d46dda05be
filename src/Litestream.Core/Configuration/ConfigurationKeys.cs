namespace Litestream.Configuration;

/// <summary>Every key that Litestream 0.5 knows in its configuration file, by the place where it may stand.</summary>
internal static class ConfigurationKeys
{
    /// <summary>Of a replica; at the top of the file they are the defaults of all replicas.</summary>
    public static readonly string[] Replica =
    [
        "type", "name", "path", "url", "sync-interval", "validation-interval", "max-sync-ltx-files", "auto-recover", "age",
        "access-key-id", "secret-access-key", "region", "bucket", "endpoint", "force-path-style", "skip-verify", "sign-payload",
        "require-content-md5", "storage-class", "part-size", "concurrency", "sse-customer-algorithm", "sse-customer-key",
        "sse-customer-key-path", "sse-kms-key-id",
        "account-name", "account-key", "sas-token",
        "host", "user", "password", "key-path", "host-key", "concurrent-writes",
        "webdav-url", "webdav-username", "webdav-password",
        "jwt", "seed", "creds", "nkey", "username", "token", "tls", "root-cas", "client-cert", "client-key", "max-reconnects",
        "reconnect-wait", "timeout",
    ];

    /// <summary>Of a replica under a database, where Litestream passes over the two last: there they are this replica's own.</summary>
    public static readonly string[] OwnReplica = [.. Replica, "snapshot", "l0-retention"];

    /// <summary>At the top of the file.</summary>
    public static readonly string[] Top =
    [
        "addr", "mcp-addr", "exec", "socket", "levels", "snapshot", "validation", "l0-retention", "l0-retention-check-interval",
        "verify-compaction", "retention", "heartbeat-url", "heartbeat-interval", "shutdown-sync-timeout", "shutdown-sync-interval",
        "logging", "dbs", .. Replica,
    ];

    /// <summary>Of an entry of <c>dbs</c>.</summary>
    public static readonly string[] Database =
    [
        "path", "dir", "pattern", "recursive", "watch", "snapshot", "meta-path", "meta-dir", "monitor-interval", "checkpoint-interval",
        "busy-timeout", "min-checkpoint-page-count", "truncate-page-n", "max-sync-wal-bytes", "restore-if-db-not-exists", "replica",
        "replicas",
    ];

    /// <summary>Those at the top that mean nothing here, with the reason.</summary>
    public static readonly (string Key, string Why)[] TopWithoutEffect =
    [
        ("mcp-addr", "there is no MCP server"),
        ("socket", "other sessions of the same user reach the replications without it"),
        ("l0-retention-check-interval", "level 0 is looked after whenever something was merged"),
        ("verify-compaction", "what was merged is always read back before its sources go"),
        ("shutdown-sync-timeout", "the last sync has 30 s"),
        ("shutdown-sync-interval", "the last sync is tried until its time is over"),
        ("logging", "see -Verbose and -LogPath"),
    ];

    /// <summary>Those of a database that mean nothing here, with the reason.</summary>
    public static readonly (string Key, string Why)[] DatabaseWithoutEffect =
    [
        ("meta-path", "the local state lies beside the database"),
        ("meta-dir", "the local state lies beside the database"),
        ("monitor-interval", "the WAL is looked at every 2 to 250 ms"),
        ("checkpoint-interval", "checkpoints follow the WAL's size and idle moments"),
        ("min-checkpoint-page-count", "checkpoints follow the WAL's size and idle moments"),
        ("truncate-page-n", "a WAL file that has grown large is truncated when nobody writes"),
        ("max-sync-wal-bytes", "a capture is bounded by its memory"),
    ];

    /// <summary>Those of a replica that mean nothing here, with the reason.</summary>
    public static readonly (string Key, string Why)[] ReplicaWithoutEffect =
    [
        ("name", "replicas have no names"),
        ("validation-interval", "see validation.interval"),
        ("max-sync-ltx-files", "what waits is sent as one"),
        ("auto-recover", "what the replica lacks is always found by comparing, and sent"),
        ("sign-payload", "it follows from the provider"),
        ("require-content-md5", "it follows from the provider"),
    ];
}
