BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Test-SqliteReplicationConfiguration' {
    It 'is true for a good file' {
        Set-Content -Path "$TestDrive/good.yml" -Value 'dbs: [{ path: /srv/a.db, replica: { path: /backup/a } }]'
        Test-SqliteReplicationConfiguration "$TestDrive/good.yml" | Should -BeTrue
    }

    It 'names the line and the nearest name of an unknown key' {
        Set-Content -Path "$TestDrive/bad.yml" -Value 'dbs:', '  - path: /srv/a.db', '    replcia: { path: /backup/a }'
        Test-SqliteReplicationConfiguration "$TestDrive/bad.yml" -ErrorVariable errors -ErrorAction SilentlyContinue | Should -BeFalse
        "$errors" | Should -BeLike '*3*replica*'
    }
}
