using System.Diagnostics;
using System.Management.Automation;
using System.Text;
using System.Xml.Linq;
using Xunit.Abstractions;

namespace Litestream.Tests.PowerShell;

/// <summary>What Register-SqliteReplicationService writes, byte by byte.</summary>
[Collection("engine")]
public sealed class ServiceFileTests(PowerShellSession session, ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_systemd_unit_and_its_script()
    {
        PSObject service = session.RunIn(
            _folder.FullPath,
            "Register-SqliteReplicationService \"/srv/it's a.db\" /backup/a, s3://bucket/a -OutputFolder . -User app -VerifyInterval 6h -MetricsPrefix http://localhost:9090/").Single();

        Assert.Equal(false, service.Properties["Registered"].Value);
        Assert.Equal(
            $"""
            # Written by Register-SqliteReplicationService for the service 'litestream', which runs it.
            $ErrorActionPreference = 'Stop'
            Import-Module '{BuiltModule.Manifest}'
            @(
                [pscustomobject]@{"{"} Path = '/srv/it''s a.db'; Destination = '/backup/a', 's3://bucket/a' {"}"}
            ) | Start-SqliteReplication -Wait -VerifyInterval '06:00:00' -MetricsPrefix 'http://localhost:9090/'
            exit 0

            """,
            File.ReadAllText(_folder["litestream.ps1"]));
        Assert.Equal(
            $"""
            [Unit]
            Description=Replication of SQLite databases (litestream)
            Wants=network-online.target
            After=network-online.target
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            User=app
            Environment=NO_COLOR=1 POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off DOTNET_CLI_TELEMETRY_OPTOUT=1
            # Keys of accounts, if any: NAME=value, a file of mode 0600.
            EnvironmentFile=-{_folder["litestream.env"]}
            WorkingDirectory={_folder.FullPath}
            ExecStart={BuiltModule.HostExecutable} -NoLogo -NoProfile -NonInteractive -File {_folder["litestream.ps1"]}
            KillSignal=SIGTERM
            TimeoutStopSec=60
            Restart=on-failure
            RestartSec=5

            [Install]
            WantedBy=multi-user.target

            """,
            File.ReadAllText(_folder["litestream.service"]));
    }

    [Fact]
    public void Systemd_itself_finds_no_fault_in_a_unit()
    {
        session.RunIn(_folder.FullPath, "Register-SqliteReplicationService /srv/a.db /backup/a -Kind Systemd -OutputFolder . -User app").ThrowIfFailed();
        ProcessStartInfo verify = new("systemd-analyze", ["verify", _folder["litestream.service"]]) { RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(verify)!;
            string faults = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(("", 0), (faults, process.ExitCode));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            output.WriteLine("Not tried: systemd-analyze is absent.");
        }
    }

    [Fact]
    public void A_scheduled_task_has_no_limit_of_time_starts_at_boot_and_again_after_a_failure()
    {
        File.WriteAllText(_folder["x.yml"], "dbs:\n  - path: a.db\n    replica: {path: r}\n");
        session.RunIn(_folder.FullPath, "Register-SqliteReplicationService -ConfigurationPath x.yml -Name 'lit-1' -Kind ScheduledTask -OutputFolder 'with space' -User 'A-B\\app'").Single();

        byte[] bytes = File.ReadAllBytes(_folder["with space", "lit-1.xml"]);
        Assert.Equal([0xFF, 0xFE], bytes[..2]);
        XElement task = XDocument.Parse(Encoding.Unicode.GetString(bytes[2..])).Root!;
        Assert.Equal(
            $"""
            <?xml version="1.0" encoding="UTF-16"?>
            <Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
              <RegistrationInfo>
                <Description>Replication of SQLite databases (lit-1)</Description>
              </RegistrationInfo>
              <Triggers>
                <BootTrigger>
                  <Enabled>true</Enabled>
                </BootTrigger>
              </Triggers>
              <Principals>
                <Principal id="Author">
                  <UserId>A-B\app</UserId>
                  <LogonType>S4U</LogonType>
                  <RunLevel>LeastPrivilege</RunLevel>
                </Principal>
              </Principals>
              <Settings>
                <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
                <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
                <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
                <StartWhenAvailable>true</StartWhenAvailable>
                <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
                <RestartOnFailure>
                  <Interval>PT1M</Interval>
                  <Count>255</Count>
                </RestartOnFailure>
              </Settings>
              <Actions Context="Author">
                <Exec>
                  <Command>{BuiltModule.HostExecutable}</Command>
                  <Arguments>-NoLogo -NoProfile -NonInteractive -File "{_folder["with space", "lit-1.ps1"]}"</Arguments>
                  <WorkingDirectory>{_folder.FullPath}</WorkingDirectory>
                </Exec>
              </Actions>
            </Task>

            """.ReplaceLineEndings("\r\n").Replace("\"" + _folder["with space", "lit-1.ps1"] + "\"", $"&quot;{_folder["with space", "lit-1.ps1"]}&quot;", StringComparison.Ordinal),
            Encoding.Unicode.GetString(bytes[2..]));
        Assert.Contains("\n$env:LITESTREAM_EVENT_SOURCE = 'Litestream'\n", File.ReadAllText(_folder["with space", "lit-1.ps1"]), StringComparison.Ordinal);
        Assert.Equal("Task", task.Name.LocalName);
        Assert.Contains($"Start-SqliteReplication -ConfigurationPath '{_folder["x.yml"]}' -Wait\n", File.ReadAllText(_folder["with space", "lit-1.ps1"]), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIf_shows_every_file_and_command_and_writes_nothing()
    {
        PowerShellSession.Outcome outcome = session.Run("Register-SqliteReplicationService /srv/a.db /backup/a -Name litestream-test -Kind Systemd -WhatIf").ThrowIfFailed();

        Assert.Empty(outcome.Output);
        Assert.Contains("What if: Write '", outcome.Shown, StringComparison.Ordinal);
        Assert.Contains("Path = '/srv/a.db'; Destination = '/backup/a'", outcome.Shown, StringComparison.Ordinal);
        Assert.Contains("Restart=on-failure", outcome.Shown, StringComparison.Ordinal);
        Assert.Contains("daemon-reload'", outcome.Shown, StringComparison.Ordinal);
        Assert.Contains("enable litestream-test.service'", outcome.Shown, StringComparison.Ordinal);
        Assert.False(File.Exists("/etc/systemd/system/litestream-test.service"));
        Assert.StartsWith("FileNotFound,", session.Run("Unregister-SqliteReplicationService litestream-test").SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIf_of_a_scheduled_task_shows_the_event_source_too()
    {
        PowerShellSession.Outcome outcome = session.Run("Register-SqliteReplicationService a.db r -Name litestream-test -Kind ScheduledTask -WhatIf").ThrowIfFailed();

        Assert.Contains("What if: Register the source 'Litestream' of Windows' event log", outcome.Shown, StringComparison.Ordinal);
        Assert.Contains("schtasks /Create /TN litestream-test /XML", outcome.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_of_a_service_replicates_and_ends_well_on_SIGTERM()
    {
        using EventTable table = new(_folder["a.db"]);
        table.Add(20);
        session.RunIn(_folder.FullPath, "Register-SqliteReplicationService a.db r -OutputFolder . -LogPath s.log").Single();
        using HostProcess host = HostProcess.Start(_folder.FullPath, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", _folder["litestream.ps1"]);
        for (long begin = Environment.TickCount64; session.Run("Get-SqliteReplication").Output.Count == 0; await Task.Delay(50))
        {
            Assert.True(Environment.TickCount64 - begin < 60_000);
        }

        session.Run("Sync-SqliteReplication").ThrowIfFailed();
        host.Signal(HostProcess.SIGTERM);
        Assert.Equal(0, (await host.WaitForExitAsync()).ExitCode);
        session.Run("Restore-SqliteDatabase $args[0] $args[1]", _folder["r"], _folder["restored.db"]).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(table.FullPath), EventTable.ReadAll(_folder["restored.db"]));
    }

    [Fact]
    public void Watch_puts_out_objects_where_there_is_no_terminal()
    {
        string path = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1]", path, _folder["r"]).ThrowIfFailed();

        Assert.Equal([path, path], session.Run("Watch-SqliteReplication -Count 2 -Interval 10ms").ThrowIfFailed().Output.Select(one => one.Properties["Path"].Value));
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
    }

    public void Dispose() => _folder.Dispose();
}
