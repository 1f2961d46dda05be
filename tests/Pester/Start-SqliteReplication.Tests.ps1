BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Start-SqliteReplication' {
    BeforeEach {
        $folder = New-Item -ItemType Directory -Path "$TestDrive/$(New-Guid)"
        Set-Location -LiteralPath $folder
        $null = Invoke-Writer "$folder/a.db"
    }

    AfterEach {
        Stop-SqliteReplication *
        Set-Location -LiteralPath $root
    }

    It 'returns at once and replicates in a process of its own' {
        $replication = Start-SqliteReplication a.db replica
        $replication.Path | Should -Be "$folder/a.db"
        $replication.ProcessId | Should -Not -Be $PID

        $null = Invoke-Writer "$folder/a.db" -Seed 2
        Sync-SqliteReplication
        Test-SqliteReplica replica -Path a.db -Depth Compare | Should -BeTrue
    }

    It 'takes files from Get-ChildItem, each with a place of its own' {
        $null = Invoke-Writer "$folder/b[1].db"
        Get-ChildItem -Filter *.db | Select-Object -Property PSPath, @{ Name = 'Destination'; Expression = { "replica/$($_.BaseName)" } } |
            Start-SqliteReplication | Sort-Object -Property Path | Select-Object -ExpandProperty Path | Should -Be "$folder/a.db", "$folder/b[1].db"
    }

    It 'takes a file and one -Destination for it' {
        (Get-Item -LiteralPath a.db | Start-SqliteReplication -Destination replica).Path | Should -Be "$folder/a.db"
    }

    It 'brings a replica up to date with -Once, and sends only what has changed the next time' {
        (Start-SqliteReplication a.db replica -Once).BaseImages | Should -Be 1
        $null = Invoke-Writer "$folder/a.db" -Commits 1 -Seed 2
        $second = Start-SqliteReplication a.db replica -Once
        $second.BaseImages | Should -Be 0
        $second.Files | Should -Be 1
    }

    It 'replicates a folder of databases' {
        $null = Invoke-Writer "$folder/b.db"
        Start-SqliteReplication -Directory . -Filter *.db -Destination replica -Once | Should -HaveCount 2
        "$folder/replica/b.db" | Should -Exist
    }

    It 'replicates what a litestream.yml names' {
        Set-Content -Path litestream.yml -Value "dbs: [{ path: $folder/a.db, replica: { path: $folder/replica } }]"
        (Start-SqliteReplication -ConfigurationPath litestream.yml).Destination | Should -Be "$folder/replica"
    }

    It 'runs an application, and what it has committed is in the replica when it has ended' {
        Start-SqliteReplication a.db replica -ScriptBlock { $null = Invoke-Writer "$folder/a.db" -Seed 3; 'done' } | Should -Be done
        Get-SqliteReplication | Should -BeNullOrEmpty
        Test-SqliteReplica replica -Path a.db -Depth Compare | Should -BeTrue
    }

    It 'is a job with -AsJob' {
        $job = Start-SqliteReplication a.db replica -AsJob
        try {
            (Get-Job -Id $job.Id).State | Should -Be Running
            while (-not (Get-SqliteReplication | Where-Object State -EQ Streaming)) {
                Start-Sleep -Milliseconds 50
            }
            (Receive-Job -Job $job).State | Should -Contain Streaming
            Stop-Job -Job $job
            $job.State | Should -Be Stopped
        } finally {
            Remove-Job -Job $job -Force
        }
    }

    It 'starts nothing with -WhatIf' {
        Start-SqliteReplication a.db replica -WhatIf
        Get-SqliteReplication | Should -BeNullOrEmpty
        "$folder/replica" | Should -Not -Exist
    }

    It 'refuses what is no database' {
        Set-Content -Path text.db -Value ('no database' * 100)
        { Start-SqliteReplication text.db replica -Once -ErrorAction Stop } | Should -Throw -ErrorId 'NotADatabase,*'
    }
}
