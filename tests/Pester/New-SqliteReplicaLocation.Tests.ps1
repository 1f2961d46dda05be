BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'New-SqliteReplicaLocation' {
    It 'describes a place and never shows its key' {
        $key = [pscredential]::new('AKIDEXAMPLE', [Net.NetworkCredential]::new('', 'not-to-be-seen').SecurePassword)
        $place = New-SqliteReplicaLocation s3://bucket/app -Region eu-central-1 -Credential $key
        "$place" | Should -Be 's3://bucket/app'
        $place | Format-List | Out-String | Should -Not -Match 'not-to-be-seen'
        $place | ConvertTo-Json -Depth 5 | Should -Not -Match 'not-to-be-seen'
    }

    It 'refuses what is no place' {
        { New-SqliteReplicaLocation ftp://bucket/app -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicaLocation*'
    }
}
