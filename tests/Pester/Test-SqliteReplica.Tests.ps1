BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
}

Describe 'Test-SqliteReplica' {
    It 'is true for a good replica: <_>' -ForEach Files, Restore, Compare {
        Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -Depth $_ | Should -BeTrue
    }

    It 'tells what it has compared' {
        $test = Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -Detailed
        $test.Outcome | Should -Be Pass
        $test.LiveMd5 | Should -Be $test.RestoredMd5
    }

    It 'leaves out the check of SQLite, and says so' {
        $test = Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -IntegrityCheck None -Detailed
        $test.Outcome | Should -Be Pass
        $test.IntegrityCheck | Should -Be None
    }

    It 'is false for a database that has gone on' {
        Copy-Item -Path "$TestDrive/a.db" -Destination "$TestDrive/b.db"
        $null = Invoke-Writer "$TestDrive/b.db" -Seed 2
        Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/b.db" -Depth Compare -ErrorAction Ignore -Timeout 2 | Should -BeFalse
    }

    It 'is false for a damaged file, and names it' {
        Copy-Item -Path "$TestDrive/replica" -Destination "$TestDrive/damaged" -Recurse
        $file = Get-ChildItem -Path "$TestDrive/damaged/ltx/9" | Select-Object -First 1
        Edit-Byte $file.FullName
        Test-SqliteReplica "$TestDrive/damaged" -ErrorVariable errors -ErrorAction SilentlyContinue | Should -BeFalse
        "$errors" | Should -BeLike "*$($file.Name)*"
    }
}
