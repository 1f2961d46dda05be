BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
}

Describe 'Measure-SqliteReplica' {
    It 'tells what a replica holds and costs' {
        $measure = Measure-SqliteReplica "$TestDrive/replica"
        $measure.Files | Should -Be (Get-SqliteReplica "$TestDrive/replica" | Measure-Object).Count
        $measure.BytesStored | Should -BeGreaterThan 0
        $measure.Prices.AsOf | Should -Not -BeNullOrEmpty
    }
}
