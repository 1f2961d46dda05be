using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class FollowTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_copy_is_kept_up_to_date_until_it_is_stopped()
    {
        using EventTable table = new(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1]; Sync-SqliteReplication", table.FullPath, _folder["r"]).ThrowIfFailed();
        using System.Management.Automation.PowerShell follower = System.Management.Automation.PowerShell.Create(
            System.Management.Automation.Runspaces.InitialSessionState.CreateDefault2());
        follower.AddCommand("Import-Module").AddArgument(BuiltModule.Manifest).Invoke();
        follower.Commands.Clear();
        follower.AddScript("Restore-SqliteDatabase $args[0] $args[1] -Follow -Interval 0.01 -PassThru").AddArgument(_folder["r"]).AddArgument(_folder["copy.db"]);
        using PSDataCollection<PSObject> steps = [];
        using SemaphoreSlim stepped = new(0);
        steps.DataAdded += (_, _) => stepped.Release();
        IAsyncResult running = follower.BeginInvoke<PSObject, PSObject>(null, steps);

        Assert.True(await stepped.WaitAsync(TimeSpan.FromSeconds(60)));
        table.Add(100);
        session.Run("Sync-SqliteReplication").ThrowIfFailed();
        ulong txid = (ulong)session.Run("Get-SqliteReplication").Single().Properties["ReplicaTxid"].Value;
        while ((ulong)steps[^1].Properties["Txid"].Value < txid)
        {
            Assert.True(await stepped.WaitAsync(TimeSpan.FromSeconds(60)));
        }

        await follower.StopAsync(null, null);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
        PSObject once = session.Run("Restore-SqliteDatabase $args[0] $args[1] -Follow -Once -PassThru", _folder["r"], _folder["copy.db"]).Single();
        Assert.Equal(once.Properties["ReplicaTxid"].Value, once.Properties["Txid"].Value);
        Assert.Equal(TimeSpan.Zero, once.Properties["Lag"].Value);
    }

    [Fact]
    public void A_database_that_is_no_copy_is_refused()
    {
        File.WriteAllText(_folder["copy.db"], "mine");
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", EventTable.Make(_folder["a.db"]), _folder["r"]).ThrowIfFailed();
        ErrorRecord error = session.Run("Restore-SqliteDatabase $args[0] $args[1] -Follow -Once", _folder["r"], _folder["copy.db"]).SingleError();
        Assert.StartsWith("RestoreTargetExists,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
