<#
.SYNOPSIS
    Tries the whole product on a real Windows in about ten minutes and prints a result to paste into a report.
.DESCRIPTION
    Needs PowerShell 7.6 and the .NET 10 SDK. Builds the module, runs every test and the quickstart, and leaves nothing behind but build
    output and the quickstart's folder, which it removes.
.EXAMPLE
    ./tests/Windows/try.ps1 | Set-Clipboard
#>
#Requires -Version 7.6
[CmdletBinding()]
param()

$ErrorActionPreference = 'Continue'
$root = Split-Path (Split-Path $PSScriptRoot)
$folder = Join-Path ([IO.Path]::GetTempPath()) "litestream-try-$PID"
$clock = [Diagnostics.Stopwatch]::StartNew()

'Litestream for PowerShell on Windows'
"  system      $([Environment]::OSVersion.VersionString), $([Runtime.InteropServices.RuntimeInformation]::OSArchitecture)"
"  PowerShell  $($PSVersionTable.PSVersion), .NET SDK $(dotnet --version)"
"  file system $((Get-Item -LiteralPath $root).PSDrive.Root) $([IO.DriveInfo]::new($root).DriveFormat)"

Push-Location -LiteralPath $root
try {
    $tests = dotnet test Litestream.slnx --nologo 2>&1
    'Tests:'
    $tests | Select-String '^\s*(Passed!|Failed!)' | ForEach-Object { "  $($_.Line.Trim())" }
    $tests | Select-String '^\s*Failed \S' | ForEach-Object { "  $($_.Line.Trim())" }

    $null = & (Join-Path $root build.ps1)
    'Quickstart:'
    & (Join-Path $root 'examples/quickstart.ps1') -Folder $folder | ForEach-Object { "  $_" }
    "  exit code $LASTEXITCODE"
}
finally {
    Pop-Location
    Remove-Item -LiteralPath $folder -Recurse -Force -ErrorAction Ignore
}

'Took {0:0} s' -f $clock.Elapsed.TotalSeconds
