BeforeAll {
    . $PSScriptRoot/Common.ps1
    $null = Invoke-Writer "$TestDrive/a.db"
    $null = Start-SqliteReplication "$TestDrive/a.db" "$TestDrive/replica" -Once
    Set-Content -Path "$TestDrive/replica/readme.txt" -Value mine
}

Describe 'Remove-SqliteReplica' {
    It 'removes nothing with -WhatIf' {
        Remove-SqliteReplica "$TestDrive/replica" -WhatIf
        Test-SqliteReplica "$TestDrive/replica" | Should -BeTrue
    }

    It 'removes the replica and not what else is there' {
        Remove-SqliteReplica "$TestDrive/replica" -Confirm:$false
        { Get-SqliteReplica "$TestDrive/replica" -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicaNotFound,*'
        "$TestDrive/replica/readme.txt" | Should -Exist
    }
}
