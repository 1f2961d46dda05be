#Requires -Version 7.6
<#
.SYNOPSIS
    Builds the module into out/Litestream and runs the tests.
.DESCRIPTION
    A thin front for MSBuild, which holds all the rules: without pwsh, dotnet build src/Litestream.PowerShell -t:Module -c Release
    does the same as the task Build, and dotnet test the same as the task Test.
.EXAMPLE
    ./build.ps1
    Import-Module ./out/Litestream
.EXAMPLE
    ./build.ps1 -Task Clean, Build, Test
.EXAMPLE
    ./build.ps1 -Task Soak -SoakArguments -Duration, 8h, -Databases, 4

    Writes, replicates and compares for eight hours: tests/Soak/README.md.
#>
[CmdletBinding()]
param(
    [ValidateSet('Clean', 'Build', 'Test', 'Soak')]
    [string[]] $Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # Of the soak; ten minutes without any.
    [string[]] $SoakArguments = @()
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

$project = Join-Path $PSScriptRoot src Litestream.PowerShell
$module = Join-Path $PSScriptRoot out Litestream

switch ($Task) {
    Clean {
        dotnet clean $project --configuration $Configuration --nologo --verbosity quiet
        if (Test-Path -LiteralPath $module) {
            Remove-Item -LiteralPath $module -Recurse
        }
    }
    Build {
        dotnet build $project --configuration $Configuration --target:Module --nologo --verbosity quiet
        Get-Item -LiteralPath $module
    }
    Test {
        dotnet test (Join-Path $PSScriptRoot Litestream.slnx) --configuration $Configuration --nologo
    }
    Soak {
        dotnet run --project (Join-Path $PSScriptRoot tests Soak) --configuration $Configuration -- @SoakArguments
    }
}
