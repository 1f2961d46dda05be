BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
    $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
    $last = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
}

Describe 'Get-SqliteRestorePoint' {
    It 'lists the instants, oldest first' {
        $points = Get-SqliteRestorePoint "$TestDrive/replica"
        $points.Count | Should -BeGreaterOrEqual 2
        $points.Timestamp | Should -Be ($points.Timestamp | Sort-Object)
        $points[-1].Txid | Should -Be $last.Txid
    }
}
