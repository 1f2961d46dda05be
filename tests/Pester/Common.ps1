# What every file of tests stands on: the built module, a control folder apart from the user's own, and a program that writes.
$ErrorActionPreference = 'Stop'
$root = Split-Path -Path (Split-Path -Path $PSScriptRoot)
$module = $env:LITESTREAM_TESTS_MODULE ?? (Join-Path -Path $root -ChildPath out -AdditionalChildPath Litestream)
$env:LITESTREAM_CONTROL_FOLDER = Join-Path -Path $TestDrive -ChildPath run
Import-Module $module

$writer = Get-ChildItem -Path "$root/tests/EventWriter/bin/*/*/Litestream.Tests.EventWriter.dll" |
    Sort-Object -Property LastWriteTime | Select-Object -Last 1
if (-not $writer) {
    throw 'The program that writes is not built: dotnet build tests/EventWriter.'
}

# Commits rows to a database from another process, making it if need be.
function Invoke-Writer([string] $Path, [int] $Commits = 20, [int] $Seed = 1) {
    $report = dotnet $writer.FullName --database $Path --commits $Commits --rate 0 --seed $Seed | ConvertFrom-Json
    if ($LASTEXITCODE -ne 0) {
        throw "The writer has ended with exit code $LASTEXITCODE."
    }
    $report
}

# Changes a byte in the middle of a file.
function Edit-Byte([string] $Path) {
    $bytes = [IO.File]::ReadAllBytes($Path)
    $bytes[$bytes.Length / 2] = $bytes[$bytes.Length / 2] -bxor 0xff
    [IO.File]::WriteAllBytes($Path, $bytes)
}
