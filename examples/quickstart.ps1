<#
.SYNOPSIS
    Replicates a database that another process writes to, restores it, and proves that the copy is right.
.DESCRIPTION
    Takes under half a minute and leaves one folder behind, which it names. It uses the engine's own commands and .NET alone, so that it
    runs in pwsh and in Litestream.Host:

        dotnet run -c Release --project src/Litestream.Host -- -File examples/quickstart.ps1

    or, in pwsh, ./build.ps1 and then ./examples/quickstart.ps1.
.EXAMPLE
    ./examples/quickstart.ps1 -Folder /data/try -CommitsPerSecond 2000 -Seconds 20
#>
[CmdletBinding()]
param(
    # Where the database and its replica go; a new folder below the current location if it is left out.
    [string] $Folder = [IO.Path]::Combine($PWD.ProviderPath, "quickstart-$([datetime]::Now.ToString('yyyyMMdd-HHmmss'))"),

    [ValidateRange(1, 100000)]
    [int] $CommitsPerSecond = 1000,

    # For how long the lag is measured.
    [ValidateRange(1, 3600)]
    [int] $Seconds = 6,

    # The program that writes, as an executable, for a machine without the .NET SDK; else tests/EventWriter is built and used.
    [string] $Writer
)

$ErrorActionPreference = 'Stop'
$root = [IO.Path]::GetDirectoryName($PSScriptRoot)
$built = [IO.Path]::Combine($root, 'tests', 'EventWriter', 'bin', 'Release', 'net10.0', 'Litestream.Tests.EventWriter.dll')
$clock = [Diagnostics.Stopwatch]::StartNew()

if (-not (Get-Command Start-SqliteReplication -ErrorAction Ignore)) {
    Import-Module ([IO.Path]::Combine($root, 'out', 'Litestream', 'Litestream.psd1'))
}

function Show-Progress([string] $Status, [int] $Percent) {
    $record = [Management.Automation.ProgressRecord]::new(1, 'Quickstart', $Status)
    $record.PercentComplete = $Percent
    $PSCmdlet.WriteProgress($record)
}

function Invoke-Writer([string[]] $Arguments) {
    $info = [Diagnostics.ProcessStartInfo]::new($(if ($Writer) { $Writer } else { 'dotnet' }))
    $info.RedirectStandardOutput = $true
    if (-not $Writer) {
        $info.ArgumentList.Add($built)
    }
    foreach ($argument in @('--database', $database) + $Arguments) {
        $info.ArgumentList.Add($argument)
    }
    [Diagnostics.Process]::Start($info)
}

# The writer ends with one line of JSON that says what it did.
function Receive-Report([Diagnostics.Process] $Process) {
    $report = $Process.StandardOutput.ReadToEnd()
    $Process.WaitForExit()
    if ($Process.ExitCode -ne 0) {
        throw "The writer has ended with exit code $($Process.ExitCode)."
    }
    [Text.Json.JsonDocument]::Parse($report).RootElement
}

function Format-Step([int] $Number, [string] $Text) {
    '{0,6:0.0} s  {1}. {2}' -f $clock.Elapsed.TotalSeconds, $Number, $Text
}

function Format-Detail([string] $Name, $Value) {
    '             {0,-14}{1}' -f $Name, $Value
}

function Format-Size([double] $Bytes) {
    [Litestream.PowerShell.Readable]::Size($Bytes)
}

if (-not $Writer -and -not [IO.File]::Exists($built)) {
    'Building the program that writes to the database ...'
    & dotnet build ([IO.Path]::Combine($root, 'tests', 'EventWriter')) -c Release --nologo -v quiet -clp:NoSummary
    if ($LASTEXITCODE -ne 0) {
        throw 'The writer could not be built.'
    }
    $clock.Restart()
}

$Folder = [IO.Path]::GetFullPath($Folder, $PWD.ProviderPath)
$null = [IO.Directory]::CreateDirectory($Folder)
$database = [IO.Path]::Combine($Folder, 'events.db')
$replica = [IO.Path]::Combine($Folder, 'replica')
$restored = [IO.Path]::Combine($Folder, 'restored.db')
$running = $null
"Everything is in $Folder"

try {
    Show-Progress 'making a database' 0
    $report = Receive-Report (Invoke-Writer '--size', '24000000')
    Format-Step 1 ('Made a database of GitHub events: {0}, {1:N0} rows.' -f
        (Format-Size $report.GetProperty('databaseBytes').GetInt64()), $report.GetProperty('rows').GetInt64())

    Show-Progress 'starting the replication' 10
    $null = Start-SqliteReplication $database $replica
    Sync-SqliteReplication $database
    $base = Get-SqliteReplication $database
    Format-Step 2 ('Replicating to {0}: base image of {1:N0} pages sent, worker process {2}.' -f $replica, $base.Pages, $base.ProcessId)

    Show-Progress 'writing in bulk' 20
    $report = Receive-Report (Invoke-Writer '--size', '32000000')
    Sync-SqliteReplication $database
    Format-Step 3 ('Another process wrote {0:N0} rows in bulk; the replica has them.' -f $report.GetProperty('rows').GetInt64())

    $before = Get-SqliteReplication $database
    $running = Invoke-Writer '--rate', $CommitsPerSecond, '--seconds', $Seconds, '--replica', $replica, '--seed', 2
    $since = $clock.Elapsed.TotalSeconds
    while (-not $running.HasExited) {
        [Threading.Thread]::Sleep(200)
        $now = Get-SqliteReplication $database
        $part = [Math]::Min(1.0, ($clock.Elapsed.TotalSeconds - $since) / ($Seconds + 1))
        Show-Progress ('{0:N0} transactions replicated' -f ($now.Transactions - $before.Transactions)) (30 + 40 * $part)
    }
    $report = Receive-Report $running
    Sync-SqliteReplication $database
    $after = Get-SqliteReplication $database
    $lag = $report.GetProperty('lag')
    Format-Step 4 ('Another process committed {0:N0} times a second for {1:0.0} s.' -f
        $report.GetProperty('commitsPerSecond').GetDouble(), $report.GetProperty('seconds').GetDouble())
    Format-Detail 'transactions' ('{0:N0}' -f ($after.Transactions - $before.Transactions))
    Format-Detail 'pages' ('{0:N0}' -f ($after.Pages - $before.Pages))
    Format-Detail 'sent' ('{0} in {1:N0} files' -f
        (Format-Size ($after.BytesUploaded - $before.BytesUploaded)), ($after.FilesUploaded - $before.FilesUploaded))
    Format-Detail 'lag' ('from commit to replica: half within {0:0.0} ms, 99 % within {1:0.0} ms, all within {2:0.0} ms' -f
        $lag.GetProperty('p50Ms').GetDouble(), $lag.GetProperty('p99Ms').GetDouble(), $lag.GetProperty('maxMs').GetDouble())
    if ($lag.GetProperty('unmatched').GetInt32() -gt 0) {
        throw "$($lag.GetProperty('unmatched')) commits did not appear in the replica in time."
    }

    # From here on the database is written to all the while.
    $running = Invoke-Writer '--rate', 100, '--seconds', 120, '--seed', 3
    Show-Progress 'restoring' 75
    $restore = Restore-SqliteDatabase $replica $restored -PassThru
    Format-Step 5 ('Restored {0} ({1:N0} pages, TXID {2}) in {3:N0} ms, while the writing goes on.' -f
        (Format-Size $restore.Size), $restore.Pages, $restore.Txid, $restore.Elapsed.TotalMilliseconds)

    Show-Progress 'comparing with the live database' 85
    $test = Test-SqliteReplica $replica -Path $database -Detailed
    Format-Step 6 ('Compared the replica with the live database at TXID {0}, page by page: {1}.' -f $test.Txid, $test.Outcome)
    Format-Detail 'live' "MD5 $($test.LiveMd5)"
    Format-Detail 'restored' "MD5 $($test.RestoredMd5)"
    Format-Detail 'equal' ($test.Outcome -eq 'Pass' -and $test.LiveMd5 -eq $test.RestoredMd5)
    $passed = $test.Outcome -eq 'Pass'

    Show-Progress 'stopping' 95
    $running.Kill()
    $running.WaitForExit()
    $last = Stop-SqliteReplication $database -PassThru
    Format-Step 7 ('Stopped with everything in the replica: TXID {0} captured, TXID {1} there.' -f $last.CapturedTxid, $last.ReplicaTxid)
    ''
    "Look at it:  Get-SqliteReplica '$replica'"
    "Remove it:   the folder $Folder is all that is left"
    exit $(if ($passed) { 0 } else { 1 })
}
finally {
    if ($running -and -not $running.HasExited) {
        $running.Kill()
    }
    Get-SqliteReplication | Stop-SqliteReplication -WarningAction SilentlyContinue
}
