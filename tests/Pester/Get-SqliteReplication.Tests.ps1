BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
    Sync-SqliteReplication
}

AfterAll {
    Stop-SqliteReplication *
}

Describe 'Get-SqliteReplication' {
    It 'says where what is, and how far' {
        $now = Get-SqliteReplication
        $now.State | Should -Be Streaming
        $now.ReplicaTxid | Should -Be $now.CapturedTxid
        $now.Lag | Should -Be ([timespan]::Zero)
    }

    It 'finds by wildcards, and says that nothing is named so' {
        Get-SqliteReplication *a.db | Should -HaveCount 1
        { Get-SqliteReplication "$TestDrive/b.db" -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicationNotFound,*'
    }

    It 'survives a file' {
        Get-SqliteReplication | Export-Clixml -Path "$TestDrive/now.xml"
        $then = Import-Clixml -Path "$TestDrive/now.xml"
        $then.Path | Should -Be "$TestDrive/a.db"
        $then.Destinations.Destination | Should -Be "$TestDrive/replica"
    }

    It 'is a table of words and sizes for people' {
        $rendering = $PSStyle.OutputRendering
        $PSStyle.OutputRendering = 'PlainText'
        try {
            Get-SqliteReplication | Format-Table | Out-String -Width 200 | Should -BeLike '*State*Lag*Database*Streaming*a.db*'
        } finally {
            $PSStyle.OutputRendering = $rendering
        }
    }
}
