BeforeAll {
    . $PSScriptRoot/Common.ps1
    Set-Location -LiteralPath $TestDrive
    $null = Invoke-Writer "$TestDrive/a.db"
    $first = Start-SqliteReplication a.db replica -Once
    $null = Invoke-Writer "$TestDrive/a.db" -Seed 2
    $second = Start-SqliteReplication a.db replica -Once
}

AfterAll {
    Set-Location -LiteralPath $root
}

Describe 'Restore-SqliteDatabase' {
    It 'gives the newest state, byte for byte' {
        $restore = Restore-SqliteDatabase replica newest.db -IntegrityCheck Full -PassThru
        $restore.Txid | Should -Be $second.Txid
        $md5 = [Convert]::ToHexString([Security.Cryptography.MD5]::HashData([IO.File]::ReadAllBytes("$TestDrive/newest.db")))
        $md5 | Should -Be (Test-SqliteReplica replica -Path a.db -Detailed).LiveMd5
    }

    It 'gives an earlier transaction' {
        (Restore-SqliteDatabase replica earlier.db -TransactionId $first.Txid -PassThru).Txid | Should -Be $first.Txid
    }

    It 'gives what a restore point from the pipeline names' {
        $point = Get-SqliteRestorePoint replica | Select-Object -First 1
        ($point | Restore-SqliteDatabase -OutputPath point.db -PassThru).Txid | Should -Be $point.Txid
    }

    It 'gives a moment' {
        (Restore-SqliteDatabase replica moment.db -At ([datetime]::UtcNow) -PassThru).Txid | Should -Be $second.Txid
    }

    It 'leaves a file that is there alone, unless forced' {
        Copy-Item -Path a.db -Destination there.db
        { Restore-SqliteDatabase replica there.db -ErrorAction Stop } | Should -Throw -ErrorId 'RestoreTargetExists,*'
        Restore-SqliteDatabase replica there.db -IfMissing -PassThru | Should -BeNullOrEmpty
        (Restore-SqliteDatabase replica there.db -Force -Confirm:$false -PassThru).Txid | Should -Be $second.Txid
    }

    It 'makes nothing with -WhatIf' {
        Restore-SqliteDatabase replica whatif.db -WhatIf
        'whatif.db' | Should -Not -Exist
    }

    It 'keeps a copy up to date with -Follow' {
        (Restore-SqliteDatabase replica follow.db -Follow -Once -PassThru).Txid | Should -Be $second.Txid
    }

    It 'says that there is no replica' {
        { Restore-SqliteDatabase nowhere none.db -ErrorAction Stop } | Should -Throw -ErrorId 'ReplicaNotFound,*'
        'none.db' | Should -Not -Exist
    }
}
