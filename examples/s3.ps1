<#
.SYNOPSIS
    Replicates a database to S3 or to anything that speaks it, restores it from there, and proves that the copy is right.
.DESCRIPTION
    Point it at any bucket that you may write to. The key comes from -Credential (access key id and secret access key), from
    LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY, or from where the AWS SDK looks. What it wrote to the bucket it leaves there.

        dotnet run -c Release --project src/Litestream.Host -- -File examples/s3.ps1 -Url s3://bucket/quickstart -Endpoint https://minio.example:9000
.EXAMPLE
    ./examples/s3.ps1 -Url s3://my-bucket/quickstart -Credential (Get-Credential)
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $Url,

    # The service's URL; without it: Amazon.
    [string] $Endpoint,

    [pscredential] $Credential,

    # The database to replicate.
    [Parameter(Mandatory)]
    [string] $Path
)

$ErrorActionPreference = 'Stop'
if (-not (Get-Command Start-SqliteReplication -ErrorAction Ignore)) {
    Import-Module ([IO.Path]::Combine([IO.Path]::GetDirectoryName($PSScriptRoot), 'out', 'Litestream', 'Litestream.psd1'))
}

$options = @{}
if ($Endpoint) { $options.Endpoint = $Endpoint }
if ($Credential) { $options.Credential = $Credential }
$place = New-SqliteReplicaLocation $Url @options

$copy = [IO.Path]::Combine([IO.Path]::GetTempPath(), "s3-example-$PID.db")
try {
    $null = Start-SqliteReplication $Path $place
    Sync-SqliteReplication $Path
    $now = Get-SqliteReplication $Path
    "Everything committed to $Path is in $place (TXID $($now.ReplicaTxid))."

    $restore = Restore-SqliteDatabase $place $copy -PassThru
    "Restored $($restore.Pages) pages at TXID $($restore.Txid) in $([int] $restore.Elapsed.TotalMilliseconds) ms."

    $test = Test-SqliteReplica $place -Path $Path -Depth Compare -Detailed
    "Compared with the live database at TXID $($test.Txid): $($test.Outcome)."
    "  live      MD5 $($test.LiveMd5)"
    "  restored  MD5 $($test.RestoredMd5)"
    exit $(if ($test.Outcome -eq 'Pass') { 0 } else { 1 })
}
finally {
    Get-SqliteReplication | Stop-SqliteReplication -WarningAction SilentlyContinue
    [IO.File]::Delete($copy)
}
