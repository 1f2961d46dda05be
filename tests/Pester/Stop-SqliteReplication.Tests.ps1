BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Stop-SqliteReplication' {
    BeforeEach {
        $null = Invoke-Writer "$TestDrive/a.db" -Seed (Get-Random)
        $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
    }

    AfterEach {
        Stop-SqliteReplication *
    }

    It 'does a last sync and ends' {
        $null = Invoke-Writer "$TestDrive/a.db" -Seed (Get-Random)
        $last = Stop-SqliteReplication "$TestDrive/a.db" -PassThru
        $last.State | Should -Be Stopped
        $last.ReplicaTxid | Should -Be $last.CapturedTxid
        Get-SqliteReplication | Should -BeNullOrEmpty
        Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -Depth Compare | Should -BeTrue
    }

    It 'takes what Get-SqliteReplication puts out' {
        Get-SqliteReplication | Stop-SqliteReplication
        Get-SqliteReplication | Should -BeNullOrEmpty
    }

    It 'ends nothing with -WhatIf' {
        Stop-SqliteReplication * -WhatIf
        Get-SqliteReplication | Should -HaveCount 1
    }
}
