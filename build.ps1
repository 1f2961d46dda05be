#Requires -Version 7.6
<#
.SYNOPSIS
    Builds the module, tests it, packs it, and runs its soak and its measurements.
.DESCRIPTION
    A thin front for MSBuild, which holds all the rules. Without pwsh:

        Clean    dotnet clean
        Build    dotnet build src/Litestream.PowerShell -t:Module -c Release
        Package  dotnet build -t:Package
        Test     dotnet test
        Soak     dotnet run -c Release --project tests/Soak
        Bench    dotnet run -c Release --project bench/Micro -- --filter '*'
.EXAMPLE
    ./build.ps1
    Import-Module ./out/Litestream
.EXAMPLE
    ./build.ps1 -Task Clean, Build, Test, Package

    Everything, and at the end the module in out/Litestream and its package beside it.
.EXAMPLE
    ./build.ps1 -Task Soak -Arguments '-Duration', '8h', '-Databases', '4'

    Writes, replicates and compares for eight hours: tests/Soak/README.md.
#>
[CmdletBinding()]
param(
    [ValidateSet('Clean', 'Build', 'Test', 'Package', 'Soak', 'Bench')]
    [string[]] $Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # Of the soak or the measurements; without any: ten minutes, and all of them.
    [string[]] $Arguments
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

$solution = Join-Path -Path $PSScriptRoot -ChildPath Litestream.slnx
$project = Join-Path -Path $PSScriptRoot -ChildPath src -AdditionalChildPath Litestream.PowerShell
$output = Join-Path -Path $PSScriptRoot -ChildPath out
$module = Join-Path -Path $output -ChildPath Litestream
$quiet = '--nologo', '--verbosity', 'quiet', '-consoleLoggerParameters:NoSummary'

function Invoke-PesterTest {
    if (-not (Get-Module Pester -ListAvailable | Where-Object Version -GE 5.5)) {
        Write-Warning 'tests/Pester was not run: it needs Pester 5.5 or newer (Install-PSResource Pester).'
        return
    }

    Import-Module Pester -MinimumVersion 5.5
    $run = New-PesterConfiguration -Hashtable @{
        Run    = @{ Path = Join-Path -Path $PSScriptRoot -ChildPath tests -AdditionalChildPath Pester; Throw = $true }
        Output = @{ Verbosity = 'Detailed' }
    }
    Invoke-Pester -Configuration $run
}

switch ($Task) {
    Clean {
        dotnet clean $solution --configuration $Configuration @quiet
        if (Test-Path -LiteralPath $output) {
            Remove-Item -LiteralPath $output -Recurse
        }
    }
    Build {
        dotnet build $project --target:Module --configuration $Configuration @quiet
        Get-Item -LiteralPath $module
    }
    Test {
        dotnet test $solution --configuration $Configuration --nologo
        dotnet build $project --target:Module --configuration $Configuration @quiet
        Invoke-PesterTest
    }
    Package {
        dotnet build $project --target:Package @quiet
        Get-ChildItem -LiteralPath $output
    }
    Soak {
        dotnet run --project (Join-Path -Path $PSScriptRoot -ChildPath tests -AdditionalChildPath Soak) --configuration Release -- @Arguments
    }
    Bench {
        $measure = $Arguments ?? @('--filter', '*')
        dotnet run --project (Join-Path -Path $PSScriptRoot -ChildPath bench -AdditionalChildPath Micro) --configuration Release -- @measure
    }
}
