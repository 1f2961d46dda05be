BeforeDiscovery {
    $root = Split-Path -Path (Split-Path -Path $PSScriptRoot)
    $manifest = Import-PowerShellDataFile -Path "$root/Litestream.psd1"
    $scripts = Get-ChildItem -Path $root -Filter *.ps1 -Recurse | Where-Object FullName -NotMatch '[/\\](bin|obj|out|node_modules)[/\\]'
    $hasAnalyzer = [bool] (Get-Module PSScriptAnalyzer -ListAvailable)
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'The module' {
    It 'has a valid manifest' {
        Test-ModuleManifest -Path "$module/Litestream.psd1" -WarningVariable warnings | Select-Object -ExpandProperty Name | Should -Be Litestream
        $warnings | Should -BeNullOrEmpty
    }

    It 'has a test file for <_>' -ForEach $manifest.CmdletsToExport {
        "$PSScriptRoot/$_.Tests.ps1" | Should -Exist
    }

    It 'uses approved verbs alone' {
        (Get-Command -Module Litestream).Verb | Select-Object -Unique | Should -BeIn (Get-Verb).Verb
    }

    It 'needs no module loaded by hand' {
        $folder = New-Item -ItemType Directory -Path "$TestDrive/modules"
        Copy-Item -Path $module -Destination "$folder/Litestream" -Recurse
        $modules = $folder, $env:PSModulePath -join [IO.Path]::PathSeparator
        $found = & (Get-Process -Id $PID).Path -NoProfile -Command "`$env:PSModulePath = '$modules'; Get-SqliteReplica nowhere -ErrorVariable e -ErrorAction SilentlyContinue 2>`$null; `$e.FullyQualifiedErrorId"
        $found | Should -BeLike 'ReplicaNotFound,*'
    }
}

if ($hasAnalyzer) {
    Describe 'PSScriptAnalyzer' {
        It 'finds nothing in <_.Name>' -ForEach $scripts {
            Invoke-ScriptAnalyzer -Path $_.FullName -Settings "$root/PSScriptAnalyzerSettings.psd1" | Out-String | Should -BeNullOrEmpty
        }
    }
}
