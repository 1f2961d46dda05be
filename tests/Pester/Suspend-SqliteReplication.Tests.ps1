BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
}

AfterAll {
    Stop-SqliteReplication *
}

Describe 'Suspend-SqliteReplication' {
    It 'does a last sync and lets the database go' {
        $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
        (Suspend-SqliteReplication "$TestDrive/a.db" -PassThru).State | Should -Be Suspended
        Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -Depth Compare | Should -BeTrue
    }

    It 'does not let a sync pretend' {
        { Sync-SqliteReplication "$TestDrive/a.db" -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicationSuspended,*'
    }
}
