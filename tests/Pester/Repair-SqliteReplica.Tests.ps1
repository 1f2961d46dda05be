BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
    $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
}

Describe 'Repair-SqliteReplica' {
    It 'leaves a whole replica as it is' {
        (Repair-SqliteReplica "$TestDrive/replica" "$TestDrive/a.db").Repaired | Should -BeFalse
    }

    It 'makes a damaged one whole again' {
        $file = Get-ChildItem -Path "$TestDrive/replica/ltx/0" | Select-Object -First 1
        Edit-Byte $file.FullName
        Test-SqliteReplica "$TestDrive/replica" -Depth Files -ErrorAction Ignore | Should -BeFalse

        $repair = Repair-SqliteReplica "$TestDrive/replica" "$TestDrive/a.db"
        $repair.Repaired | Should -BeTrue
        "$($repair.Deleted)" | Should -BeLike "*$($file.Name)*"
        Test-SqliteReplica "$TestDrive/replica" -Path "$TestDrive/a.db" -Depth Compare | Should -BeTrue
    }
}
