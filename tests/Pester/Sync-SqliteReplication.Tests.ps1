BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
}

AfterAll {
    Stop-SqliteReplication *
}

Describe 'Sync-SqliteReplication' {
    It 'returns when everything committed before is in the replica' {
        $before = Sync-SqliteReplication "$TestDrive/a.db" -PassThru
        $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
        $after = Sync-SqliteReplication "$TestDrive/a.db" -PassThru

        $after.Transactions - $before.Transactions | Should -BeGreaterOrEqual 20
        (Restore-SqliteDatabase "$TestDrive/replica" "$TestDrive/copy.db" -PassThru).Txid | Should -Be $after.ReplicaTxid
    }

    It 'says that nothing is replicated under a name' {
        { Sync-SqliteReplication nowhere.db -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicationNotFound,*'
    }
}
