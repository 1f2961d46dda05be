using System.Diagnostics;
using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

/// <summary><c>Start-SqliteReplication -VerifyInterval</c> as its user sees it.</summary>
[Collection("engine")]
public sealed class VerifyIntervalTests(PowerShellSession session) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Says_until_when_the_replica_was_proven_and_what_is_wrong_with_it()
    {
        using EventTable table = new(_folder["a.db"]);
        table.Add(100);
        session.Run("Start-SqliteReplication $args[0] $args[1] -VerifyInterval 100ms", table.FullPath, _folder["r"]).ThrowIfFailed();

        PSObject proven = await UntilAsync("Pass");
        Assert.NotNull(proven.Properties["LastVerifiedAt"].Value);
        Assert.NotEqual(0ul, proven.Properties["VerifiedTxid"].Value);

        string file = Directory.GetFiles(_folder["r"], "*.ltx", SearchOption.AllDirectories).MaxBy(path => new FileInfo(path).Length)!;
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        PSObject damaged = await UntilAsync("Fail");
        Assert.Equal("Damaged", damaged.Properties["State"].Value.ToString());
        Assert.Contains(Path.GetFileName(file), (string)damaged.Properties["LastVerifyError"].Value, StringComparison.Ordinal);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
    }

    [Theory]
    [InlineData("-Once -VerifyInterval 1h")]
    [InlineData("-VerifyInterval 0")]
    public void Is_refused_where_no_test_could_be_made(string parameters)
    {
        string path = EventTable.Make(_folder["a.db"]);

        ErrorRecord error = session.Run($"Start-SqliteReplication '{path}' '{_folder["r"]}' {parameters}").SingleError();

        Assert.StartsWith("ParametersContradict,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["r"]));
    }

    public void Dispose() => _folder.Dispose();

    private async Task<PSObject> UntilAsync(string outcome)
    {
        for (long begin = Stopwatch.GetTimestamp(); ; await Task.Delay(50))
        {
            PSObject replication = session.Run("Get-SqliteReplication").Single();
            if (replication.Properties["LastVerifyOutcome"].Value?.ToString() == outcome)
            {
                return replication;
            }

            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience, $"{replication}: {replication.Properties["LastVerifyError"].Value}");
        }
    }
}
