BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
    Suspend-SqliteReplication "$TestDrive/a.db"
}

AfterAll {
    Stop-SqliteReplication *
}

Describe 'Resume-SqliteReplication' {
    It 'goes on with what was committed meanwhile, without another full image' {
        $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
        (Resume-SqliteReplication "$TestDrive/a.db" -PassThru).State | Should -Be Streaming
        (Sync-SqliteReplication "$TestDrive/a.db" -PassThru).BaseImages | Should -Be 0
        Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -Depth Compare | Should -BeTrue
    }
}
