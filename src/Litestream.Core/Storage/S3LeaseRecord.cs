using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Litestream.Storage;

/// <summary>What stands in <c>lock.json</c>: Litestream's three fields, and ours.</summary>
/// <param name="Generation">Grows with each holder.</param>
/// <param name="ExpiresAt">Until when it holds (UTC).</param>
/// <param name="Owner">Litestream's name of the holder, <c>host:pid</c>.</param>
internal sealed record S3LeaseRecord(long Generation, DateTimeOffset ExpiresAt, string Owner)
{
    // A process' start is reckoned from the boot's, and reckons a little otherwise each time.
    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(5);

    /// <summary>The database that is replicated; null where Litestream wrote the record.</summary>
    public string? Database { get; init; }

    /// <summary>Since when (UTC).</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Machine, process id, when the process began, and a random part: it tells a process that has ended from another of the same number.</summary>
    public string? Process { get; init; }

    /// <summary>The record of this process.</summary>
    /// <param name="owner">Who.</param>
    /// <param name="nonce">Random: it tells two leases of one process apart.</param>
    /// <param name="generation">Its number.</param>
    /// <param name="expiresAt">Until when.</param>
    public static S3LeaseRecord Of(ReplicaOwner owner, string nonce, long generation, DateTimeOffset expiresAt)
    {
        using Process us = System.Diagnostics.Process.GetCurrentProcess();
        return new S3LeaseRecord(generation, expiresAt, string.Create(CultureInfo.InvariantCulture, $"{owner.Host}:{owner.ProcessId}"))
        {
            Database = owner.Database,
            Since = owner.Since,
            Process = string.Create(CultureInfo.InvariantCulture, $"{Machine()}/{us.Id}/{us.StartTime.ToUniversalTime().Ticks}/{nonce}"),
        };
    }

    /// <summary>Reads a record. One that makes no sense counts as expired: it can only have been damaged, since its writers write whole objects.</summary>
    /// <param name="json">The object.</param>
    public static S3LeaseRecord Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            return new S3LeaseRecord(
                root.GetProperty("generation").GetInt64(), root.GetProperty("expires_at").GetDateTimeOffset(), root.GetProperty("owner").GetString() ?? "")
            {
                Database = root.TryGetProperty("database", out JsonElement database) ? database.GetString() : null,
                Since = root.TryGetProperty("since", out JsonElement since) ? since.GetDateTimeOffset() : null,
                Process = root.TryGetProperty("process", out JsonElement process) ? process.GetString() : null,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return new S3LeaseRecord(0, DateTimeOffset.MinValue, "");
        }
    }

    /// <summary>As it is stored.</summary>
    public byte[] ToJson()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            writer.WriteNumber("generation", Generation);
            writer.WriteString("expires_at", ExpiresAt.UtcDateTime);
            writer.WriteString("owner", Owner);
            writer.WriteString("database", Database);
            writer.WriteString("since", Since?.UtcDateTime ?? default);
            writer.WriteString("process", Process);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Whether bytes that were to be stored are this record.</summary>
    /// <param name="json">The bytes.</param>
    public bool IsSameAs(ReadOnlyMemory<byte> json) => Parse(json) == this;

    /// <summary>Whether it was written by a process of this machine that runs no more.</summary>
    public bool IsOfEndedProcess()
    {
        if (Process?.Split('/') is not [{ } machine, { } number, { } began, _] || machine != Machine()
            || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            || !long.TryParse(began, NumberStyles.None, CultureInfo.InvariantCulture, out long ticks) || ticks > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        try
        {
            using Process process = System.Diagnostics.Process.GetProcessById(id);
            TimeSpan apart = process.StartTime.ToUniversalTime() - new DateTime(ticks, DateTimeKind.Utc);
            return process.HasExited || apart.Duration() > StartTolerance;
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false; // it runs, and is none of ours to look at
        }
    }

    /// <summary>For a message.</summary>
    public string Describe()
    {
        int colon = Owner.LastIndexOf(':');
        string who = colon < 0 ? $"'{Owner}'" : $"process {Owner[(colon + 1)..]} on {Owner[..colon]}";
        string what = Database is null ? "" : $", for the database '{Database}'";
        string since = Since is { } began ? string.Create(CultureInfo.InvariantCulture, $", since {began.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{who}{what}{since}; its lease holds until {ExpiresAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
    }

    // Not the name, which two machines may share. Where there is none, no process is ever taken for ended.
    private static string Machine()
    {
        string id = File.Exists("/etc/machine-id") ? File.ReadAllText("/etc/machine-id") : Guid.NewGuid().ToString();
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, 8));
    }
}
