BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $run = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
}

Describe 'Get-SqliteReplica' {
    It 'lists each file with what it holds' {
        $files = Get-SqliteReplica "$TestDrive/replica"
        ($files | Measure-Object -Property MaxTxid -Maximum).Maximum | Should -Be $run.Txid
        ($files | Where-Object Level -EQ 9).Pages | Should -BeGreaterThan 0
    }

    It 'says that there is none' {
        { Get-SqliteReplica "$TestDrive/nowhere" -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicaNotFound,*'
    }
}
