BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica"
}

AfterAll {
    Stop-SqliteReplication *
}

Describe 'Watch-SqliteReplication' {
    It 'puts out objects where there is no terminal' {
        $seen = Watch-SqliteReplication -Interval 0.1 -Count 2
        $seen | Should -HaveCount 2
        $seen[0].Path | Should -Be "$TestDrive/a.db"
    }
}
