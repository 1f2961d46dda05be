using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

/// <summary>What cmdlets put out crosses a file or another process, as Export-Clixml and Start-Job send it, with its values.</summary>
[Collection("engine")]
public sealed class SerialisationTests : IDisposable
{
    private readonly PowerShellSession _session;
    private readonly TemporaryFolder _folder = new();

    public SerialisationTests(PowerShellSession session)
    {
        _session = session;
        EventTable.Make(_folder["app.db"], 5);
        File.WriteAllText(_folder["litestream.yml"], "dbs:\n  - path: ./app.db\n    replica:\n      path: ./other\n");
    }

    [Fact]
    public void Every_output_comes_back_with_its_values()
    {
        PowerShellSession.Outcome outcome = _session.RunIn(
            _folder.FullPath,
            """
            Start-SqliteReplication ./app.db ./replica -Once
            Start-SqliteReplication ./app.db ./replica
            Sync-SqliteReplication
            (Get-SqliteReplication).Destinations
            Get-SqliteReplicationMetric -Name litestream_txid
            Get-SqliteReplica ./replica
            Get-SqliteRestorePoint ./replica
            Measure-SqliteReplica ./replica
            Test-SqliteReplica ./replica ./app.db -Detailed
            Restore-SqliteDatabase ./replica ./restored.db -PassThru
            Restore-SqliteDatabase ./replica ./followed.db -Follow -Once -PassThru
            Stop-SqliteReplication *
            Repair-SqliteReplica ./replica ./app.db
            Import-SqliteReplicationConfiguration ./litestream.yml
            Register-SqliteReplicationService ./app.db ./replica -OutputFolder .
            """).ThrowIfFailed();

        HashSet<string> types = [.. outcome.Output.Select(one => one.BaseObject.GetType().FullName!)];
        IEnumerable<string> all = _session.Run("(Get-Command -Module Litestream).OutputType.Name").Output.Select(name => name.ToString())
            .Where(name => name.StartsWith("Litestream.PowerShell.", StringComparison.Ordinal));
        Assert.Superset(all.ToHashSet(), types);
        Assert.All(outcome.Output, HasItsValues);
    }

    [Fact]
    public void A_place_comes_back_without_its_key()
    {
        PSObject place = _session.Run(
            "New-SqliteReplicaLocation s3://b/serialised -Credential ([pscredential]::new('AKIAKEY', [Net.NetworkCredential]::new('', 'hidden-word').SecurePassword))").Single();

        string text = PSSerializer.Serialize(place, depth: 5);

        Assert.DoesNotContain("hidden-word", text, StringComparison.Ordinal);
        Assert.Equal("b", ((PSObject)PSSerializer.Deserialize(text)).Properties["Bucket"].Value);
    }

    public void Dispose()
    {
        _session.Run("Get-SqliteReplication | Stop-SqliteReplication");
        _folder.Dispose();
    }

    private static void HasItsValues(PSObject one)
    {
        PSObject back = (PSObject)PSSerializer.Deserialize(PSSerializer.Serialize(one));
        Assert.Equal("Deserialized." + one.TypeNames[0], back.TypeNames[0]);
        Assert.Equal(one.ToString(), back.ToString());
        foreach (PSPropertyInfo property in one.Properties)
        {
            object? value = back.Properties[property.Name].Value;
            if (property.Value is string or ValueType)
            {
                Assert.Equal(property.Value.ToString(), value?.ToString());
            }

            if (property.Value is long or int or ulong or double or bool or TimeSpan or DateTime)
            {
                Assert.Equal(property.Value, value is PSObject wrapped ? wrapped.BaseObject : value);
            }
        }
    }
}
