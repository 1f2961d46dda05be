BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
}

Describe 'Reset-SqliteReplication' {
    It 'forgets what is kept beside a database, and the replica is continued only on request' {
        Reset-SqliteReplication "$TestDrive/a.db" -Confirm:$false
        Get-ChildItem -Path "$TestDrive/.a.db-litestream" | Should -BeNullOrEmpty
        $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
        { Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicaConflict,*'
        (Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once -AdoptReplica).BaseImages | Should -Be 0
    }

    It 'leaves alone what is being replicated' {
        $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
        try {
            { Reset-SqliteReplication "$TestDrive/a.db" -Confirm:$false -ErrorAction Stop } | Should -Throw
            "$TestDrive/.a.db-litestream" | Should -Exist
        } finally {
            Stop-SqliteReplication *
        }
    }
}
