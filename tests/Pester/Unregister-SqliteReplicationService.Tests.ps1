BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Unregister-SqliteReplicationService' {
    It 'says that there is no such service' {
        { Unregister-SqliteReplicationService -Name "none-$(Get-Random)" -Confirm:$false -ErrorAction Stop } | Should -Throw
    }
}
