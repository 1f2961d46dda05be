BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Import-SqliteReplicationConfiguration' {
    It 'gives an object for each database, which Start-SqliteReplication takes' {
        $null = Invoke-Writer "$TestDrive/a.db"
        Set-Content -Path "$TestDrive/litestream.yml" -Value @"
snapshot: { interval: 12h }
dbs:
  - path: $TestDrive/a.db
    replica: { path: $TestDrive/replica, sync-interval: 5s }
"@
        $database = Import-SqliteReplicationConfiguration "$TestDrive/litestream.yml"
        $database.SyncInterval | Should -Be ([timespan]::FromSeconds(5))
        $database.SnapshotInterval | Should -Be ([timespan]::FromHours(12))
        ($database | Start-SqliteReplication -Once).Destination | Should -Be "$TestDrive/replica"
    }

    It 'replaces variables of the environment, unless told not to' {
        Set-Content -Path "$TestDrive/variable.yml" -Value 'dbs: [{ path: /srv/$LITESTREAM_TEST_NAME.db, replica: { path: /backup } }]'
        $env:LITESTREAM_TEST_NAME = 'shop'
        (Import-SqliteReplicationConfiguration "$TestDrive/variable.yml").Path | Should -BeLike '*shop.db'
        (Import-SqliteReplicationConfiguration "$TestDrive/variable.yml" -NoEnvironmentExpansion).Path | Should -BeLike '*$LITESTREAM_TEST_NAME.db'
    }
}
