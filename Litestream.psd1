@{
    RootModule           = 'Litestream.PowerShell.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '1d5f8c0a-3f0b-4a57-9a0e-7a3c6d2e8b41'
    Author               = 'The Litestream for PowerShell authors'
    CompanyName          = 'The Litestream for PowerShell authors'
    Copyright            = '(c) The Litestream for PowerShell authors. Apache-2.0.'
    Description          = 'Streams every committed page of a live SQLite database to a replica within milliseconds, restores it byte for byte, and proves that the copy is right.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('Litestream.Format.ps1xml')
    CmdletsToExport      = @(
        'Export-SqliteReplicationConfiguration'
        'Get-SqliteReplica'
        'Get-SqliteReplication'
        'Get-SqliteReplicationMetric'
        'Get-SqliteRestorePoint'
        'Import-SqliteReplicationConfiguration'
        'Measure-SqliteReplica'
        'New-SqliteReplicaLocation'
        'Register-SqliteReplicationService'
        'Remove-SqliteReplica'
        'Repair-SqliteReplica'
        'Reset-SqliteReplication'
        'Restore-SqliteDatabase'
        'Resume-SqliteReplication'
        'Start-SqliteReplication'
        'Stop-SqliteReplication'
        'Suspend-SqliteReplication'
        'Sync-SqliteReplication'
        'Test-SqliteReplica'
        'Test-SqliteReplicationConfiguration'
        'Unregister-SqliteReplicationService'
        'Watch-SqliteReplication'
    )
    # Exact and empty lists keep command discovery from loading the assembly.
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags = @('SQLite', 'Litestream', 'Replication', 'Backup', 'Restore', 'DisasterRecovery', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
        }
    }
}
