BeforeAll {
    . $PSScriptRoot/Common.ps1
    Set-Content -Path "$TestDrive/first.yml" -Value "dbs: [{ path: $TestDrive/a.db, replica: { path: $TestDrive/replica } }]"
    $database = Import-SqliteReplicationConfiguration "$TestDrive/first.yml"
}

Describe 'Export-SqliteReplicationConfiguration' {
    It 'writes what Import-SqliteReplicationConfiguration reads' {
        $database | Export-SqliteReplicationConfiguration "$TestDrive/litestream.yml"
        Test-SqliteReplicationConfiguration "$TestDrive/litestream.yml" | Should -BeTrue
        (Import-SqliteReplicationConfiguration "$TestDrive/litestream.yml").Destination | Should -Be "$TestDrive/replica"
    }

    It 'replaces a file only if forced' {
        Set-Content -Path "$TestDrive/mine.yml" -Value mine
        { $database | Export-SqliteReplicationConfiguration "$TestDrive/mine.yml" -ErrorAction Stop } | Should -Throw
        Get-Content -Path "$TestDrive/mine.yml" | Should -Be mine
        $database | Export-SqliteReplicationConfiguration "$TestDrive/mine.yml" -Force
        Test-SqliteReplicationConfiguration "$TestDrive/mine.yml" | Should -BeTrue
    }
}
