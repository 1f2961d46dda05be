namespace Litestream.Tests.PowerShell;

/// <summary>Beside a module that has loaded another version of our packages, in one process.</summary>
public sealed class OtherModuleTests
{
    [Fact]
    public async Task Replicates_and_restores_beside_a_module_with_an_older_SQLite()
    {
        using TemporaryFolder folder = new();
        string database = EventTable.Make(folder["a.db"], events: 20);

        HostProcess.Result result = await HostProcess.RunInAsync(
            folder.FullPath,
            "-Command",
            $$"""
            $ErrorActionPreference = 'Stop'
            Remove-Module Litestream
            Import-Module '{{BuiltModule.OtherModule}}'
            'other before: ' + (Invoke-OtherQuery other.db 'SELECT sqlite_version()')

            Import-Module '{{BuiltModule.Manifest}}'
            $run = Start-SqliteReplication a.db replica -Once
            'here: ' + $run.BaseImages
            $null = Restore-SqliteDatabase replica restored.db -IntegrityCheck Full
            $null = Start-SqliteReplication a.db replica
            Sync-SqliteReplication a.db
            'equal: ' + (Test-SqliteReplica replica -Path a.db -Depth Compare)
            Stop-SqliteReplication a.db

            'other after: ' + (Invoke-OtherQuery other.db 'SELECT sqlite_version()')
            [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { $_.GetName().Name -eq 'SQLitePCLRaw.core' } |
                ForEach-Object { 'loaded: ' + $_.GetName().Version.Major + ' in ' + [Runtime.Loader.AssemblyLoadContext]::GetLoadContext($_).Name }
            """);

        Assert.Equal("", result.Errors);
        Assert.Equal(
            [
                "other before: 3.49.1",
                "here: 1",
                "equal: True",
                "other after: 3.49.1",
                "loaded: 2 in Default",
                "loaded: 3 in Litestream",
            ],
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(EventTable.ReadAll(database), EventTable.ReadAll(folder["restored.db"]));
    }
}
