#Requires -Version 7.6
#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Registers a scheduled task on Windows that soaks for a week, every week.
.DESCRIPTION
    The task's last result is the soak's exit code: 0 only if nothing differed. Each run keeps its log and its report in a folder of its
    own below -Folder. Small disks, the stepping clock and signals in order are for Linux; the soak says so and does the rest.
.EXAMPLE
    ./tests/Soak/soak-task.ps1 -Folder D:\soak
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)]
    [string] $Folder,

    [string] $Name = 'Litestream soak',

    [string[]] $Arguments = @('-Duration', '7d', '-Databases', '4', '-Interval', '60s', '-Chaos', '-LagBound', '120s')
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

dotnet build $PSScriptRoot --configuration Release --nologo --verbosity quiet
$null = New-Item -ItemType Directory -Path $Folder -Force

$program = Join-Path -Path $PSScriptRoot -ChildPath bin -AdditionalChildPath Release, net10.0, Litestream.Tests.Soak.dll
$action = New-ScheduledTaskAction -Execute (Get-Command dotnet).Source -Argument ((@("`"$program`"") + $Arguments) -join ' ') -WorkingDirectory $Folder
$trigger = New-ScheduledTaskTrigger -Weekly -DaysOfWeek Sunday -At 3am
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit (New-TimeSpan -Days 8) -MultipleInstances IgnoreNew

if ($PSCmdlet.ShouldProcess($Name, 'Register a scheduled task')) {
    Register-ScheduledTask -TaskName $Name -Action $action -Trigger $trigger -Settings $settings -User 'SYSTEM' -Force
}
