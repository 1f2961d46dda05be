BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Register-SqliteReplicationService' {
    It 'writes a systemd unit and its script' {
        $service = Register-SqliteReplicationService /srv/a.db /backup/a -Name app -Kind Systemd -OutputFolder "$TestDrive/systemd"
        $service.Registered | Should -BeFalse
        Get-Content -Path $service.DefinitionPath -Raw | Should -Match 'ExecStart=.*-File'
        Get-Content -Path $service.ScriptPath -Raw | Should -Match "Path = '/srv/a.db'.*\s.*Start-SqliteReplication -Wait"
    }

    It 'writes a scheduled task without a limit of time' {
        $service = Register-SqliteReplicationService /srv/a.db /backup/a -Name app -Kind ScheduledTask -OutputFolder "$TestDrive/task"
        ([xml] (Get-Content -Path $service.DefinitionPath -Raw)).Task.Settings.ExecutionTimeLimit | Should -Be PT0S
    }

    It 'writes nothing with -WhatIf' {
        Register-SqliteReplicationService /srv/a.db /backup/a -OutputFolder "$TestDrive/whatif" -WhatIf
        "$TestDrive/whatif" | Should -Not -Exist
    }
}
