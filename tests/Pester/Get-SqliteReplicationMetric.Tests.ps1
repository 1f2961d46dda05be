BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $port = Get-Random -Minimum 20000 -Maximum 30000
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -MetricsPrefix "http://localhost:$port/"
    Sync-SqliteReplication
}

AfterAll {
    Stop-SqliteReplication *
}

Describe 'Get-SqliteReplicationMetric' {
    It 'has the transaction of the database' {
        (Get-SqliteReplicationMetric -Name litestream_txid).Value | Should -Be (Get-SqliteReplication).CapturedTxid
    }

    It 'shows what is served to Prometheus' {
        $text = (Invoke-WebRequest -Uri "http://localhost:$port/metrics").Content
        $text | Should -Match "litestream_txid{db=`"$([regex]::Escape("$TestDrive/a.db"))`""
    }
}
