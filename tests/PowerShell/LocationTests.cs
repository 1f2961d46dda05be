using System.Management.Automation;
using System.Net;
using System.Net.Sockets;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class LocationTests(PowerShellSession session)
{
    private const string Key = "([pscredential]::new('KEYID', (ConvertTo-Secret 'hidden-secret')))";
    private const string ToSecret = "function ConvertTo-Secret($text) { $s = [securestring]::new(); $text.ToCharArray() | ForEach-Object { $s.AppendChar($_) }; $s }; ";

    [Fact]
    public void A_location_shows_what_it_is_and_never_its_key()
    {
        PowerShellSession.Outcome result = session.Run(
            $"{ToSecret}$l = New-SqliteReplicaLocation s3://bucket/app -Endpoint minio.local:9000 -Region r -StorageClass STANDARD_IA -Credential {Key}; "
            + "$l; foreach ($p in $l.PSObject.Properties) { \"$($p.Value)\" }; [Management.Automation.PSSerializer]::Serialize($l)").ThrowIfFailed();

        Assert.Equal("s3://bucket/app?endpoint=https://minio.local:9000", result.Output[0].ToString());
        Assert.Equal("STANDARD_IA", result.Output[0].Properties["StorageClass"].Value);
        Assert.DoesNotContain("hidden-secret", string.Concat(result.Output), StringComparison.Ordinal);
        Assert.DoesNotContain("KEYID", string.Concat(result.Output), StringComparison.Ordinal);
    }

    [Fact]
    public void Its_address_means_the_same_place_from_then_on() => Assert.Contains(
        "Replicate to 's3://bucket/two?endpoint=http://localhost:9'",
        session.Run("$l = New-SqliteReplicaLocation s3://bucket/two -Endpoint localhost:9; Start-SqliteReplication a.db $l -WhatIf").ThrowIfFailed().Shown,
        StringComparison.Ordinal);

    [Fact]
    public async Task Two_keys_of_one_address_stay_two()
    {
        using TcpListener service = new(IPAddress.Loopback, 0);
        service.Start();
        Task<string[]> keys = RefuseAsync(service, 3);
        int port = ((IPEndPoint)service.LocalEndpoint).Port;
        session.Run(
            $"{ToSecret}$one, $two = 'ONE', 'TWO' | ForEach-Object {{ New-SqliteReplicaLocation s3://bucket/both -Endpoint http://127.0.0.1:{port} "
            + "-Credential ([pscredential]::new($_, (ConvertTo-Secret 'x'))) }; $one, $two, $one | ForEach-Object { Get-SqliteReplica $_ -ErrorAction Ignore }");

        Assert.Equal(["ONE", "TWO", "ONE"], await keys.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Theory]
    [InlineData("New-SqliteReplicaLocation s3://bucket/app -PartSize 100", "ReplicaLocationInvalid")]
    [InlineData("New-SqliteReplicaLocation s3://key:hidden@bucket/app", "ReplicaLocationInvalid")]
    [InlineData("New-SqliteReplicaLocation r -Region x", "ReplicaLocationInvalid")]
    [InlineData("New-SqliteReplicaLocation s3://bucket/app -Endpoint ftp://x", "ReplicaLocationInvalid")]
    public void What_makes_no_sense_is_one_error(string script, string errorId)
    {
        ErrorRecord error = session.Run(script).SingleError();
        Assert.StartsWith(errorId + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", error.ToString() + error.TargetObject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-SnapshotRetention 1h", "MaintenanceSettingInvalid")]
    [InlineData("-CompactionInterval 5m, 30s", "MaintenanceSettingInvalid")]
    [InlineData("-Level0Retention '2d'", "MaintenanceSettingInvalid")]
    [InlineData("-SnapshotInterval 10m", "MaintenanceSettingInvalid")]
    [InlineData("-SnapshotRetention '7d', 1h", "MaintenanceSettingInvalid")]
    [InlineData("-SnapshotRetention '7d', '8d'", "ParametersContradict")]
    [InlineData("-Level0Retention 2d", "ParameterArgumentTransformationError")] // PowerShell takes 2d for the decimal number 2
    [InlineData("-SyncInterval soon", "ParameterArgumentTransformationError")]
    public void Settings_that_contradict_each_other_are_refused_at_the_start(string settings, string errorId)
    {
        ErrorRecord error = session.Run($"Start-SqliteReplication a.db r {settings} -WhatIf").SingleError();
        Assert.StartsWith(errorId + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Durations_are_seconds_text_or_time_spans() => Assert.Contains(
        "Replicate to",
        session.Run("Start-SqliteReplication a.db r -SyncInterval 0.5 -CompactionInterval 30s, 10m, 2h -SnapshotInterval '1d' -SnapshotRetention ([timespan]::FromDays(7)) -WhatIf").ThrowIfFailed().Shown,
        StringComparison.Ordinal);

    /// <summary>Refuses each request, and returns the ids of the keys that they were signed with.</summary>
    private static async Task<string[]> RefuseAsync(TcpListener service, int requests)
    {
        List<string> keys = [];
        while (keys.Count < requests)
        {
            using TcpClient client = await service.AcceptTcpClientAsync();
            using StreamReader reader = new(client.GetStream());
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                if (line.IndexOf("Credential=", StringComparison.Ordinal) is var at and > 0)
                {
                    keys.Add(line[(at + 11)..].Split('/')[0]);
                }
            }

            await client.GetStream().WriteAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
        }

        return [.. keys];
    }
}
