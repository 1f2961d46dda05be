using System.Diagnostics;
using System.Management.Automation;
using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace Litestream.Tests.PowerShell;

/// <summary>What one process replicates, seen and steered from another of the same user; and nobody else gets in.</summary>
[Collection("engine")]
public sealed class ControlTests(PowerShellSession session, ITestOutputHelper output) : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF; // 0777

    private readonly TemporaryFolder _folder = new();

    // With commits gathered for an hour, only a sync that was asked for, or the last one, can have brought them into the replica.
    [Fact]
    public async Task A_service_is_seen_synced_suspended_resumed_and_stopped_from_another_session()
    {
        using EventTable table = new(_folder["a.db"]);
        using HostProcess service = await StartServiceAsync();
        table.Add(50);

        PSObject seen = session.Run("Sync-SqliteReplication $args[0] -PassThru", table.FullPath).Single();
        Assert.Equal(service.Id, seen.Properties["ProcessId"].Value);
        Assert.Equal("Streaming", seen.Properties["State"].Value.ToString());
        AssertReplicaHolds(table);

        table.Add(10);
        // A pattern and the pipeline mean what this session has started; the service goes on.
        session.Run("Stop-SqliteReplication *; Get-SqliteReplication | Stop-SqliteReplication").ThrowIfFailed();
        Assert.Equal("Streaming", session.Run("Get-SqliteReplication").Single().Properties["State"].Value.ToString());

        PSObject suspended = session.Run("Get-SqliteReplication | Suspend-SqliteReplication -PassThru").Single();
        Assert.Equal("Suspended", suspended.Properties["State"].Value.ToString());
        AssertReplicaHolds(table);
        table.Execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE; VACUUM"); // nobody else has it open
        Assert.StartsWith("ReplicationSuspended,", session.Run("Sync-SqliteReplication").SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);

        table.Execute("PRAGMA journal_mode=WAL");
        table.Add(50);
        session.Run("Resume-SqliteReplication *; Sync-SqliteReplication").ThrowIfFailed();
        AssertReplicaHolds(table);

        table.Add(10);
        Assert.Equal("Stopped", session.Run("Stop-SqliteReplication *.db -Force -PassThru").Single().Properties["State"].Value.ToString());
        HostProcess.Result result = await service.WaitForExitAsync();
        Assert.Equal((7, ""), (result.ExitCode, result.Errors));
        AssertReplicaHolds(table);
        Assert.Empty(session.Run("Get-SqliteReplication").ThrowIfFailed().Output);
        Assert.Empty(Directory.GetFiles(ControlFolder));
    }

    [Fact]
    public async Task A_worker_s_replication_that_another_session_stops_shows_so_in_its_own()
    {
        using EventTable table = new(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1] -SyncInterval 1h", table.FullPath, _folder["r"]).ThrowIfFailed();
        table.Add(10);

        HostProcess.Result other = await HostProcess.RunAsync(
            "-NonInteractive", "-Command", "Get-SqliteReplication | Stop-SqliteReplication -Force; exit @(Get-SqliteReplication).Count");

        Assert.Equal((0, ""), (other.ExitCode, other.Errors));
        Assert.Equal("Stopped", session.Run("Get-SqliteReplication").Single().Properties["State"].Value.ToString());
        AssertReplicaHolds(table);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
    }

    [Fact]
    public async Task What_a_killed_process_has_left_is_removed_and_not_listed()
    {
        using EventTable table = new(_folder["a.db"]);
        using (HostProcess service = await StartServiceAsync())
        {
            service.Signal(HostProcess.SIGKILL);
            await service.WaitForExitAsync();
            Assert.Single(Directory.GetFiles(ControlFolder));
        }

        Assert.Empty(session.Run("Get-SqliteReplication").ThrowIfFailed().Output);
        Assert.Empty(Directory.GetFiles(ControlFolder));
    }

    [Fact]
    public async Task A_request_without_end_or_sense_ends_its_connection_alone()
    {
        using EventTable table = new(_folder["a.db"]);
        using HostProcess service = await StartServiceAsync();
        string path = Directory.GetFiles(ControlFolder).Single();

        Assert.Equal("", await SayAsync(path, new string('x', 100_000)));
        Assert.Equal("", await SayAsync(path, "{]\n"));
        Assert.Contains("ReplicationNotFound", await SayAsync(path, "{\"Id\":1,\"Kind\":\"Start\",\"Key\":7}\n", replies: 1), StringComparison.Ordinal);
        Assert.Equal("Streaming", session.Run("Get-SqliteReplication").Single().Properties["State"].Value.ToString());
        session.Run("Stop-SqliteReplication * -Force").ThrowIfFailed();
        await service.WaitForExitAsync();
    }

    [Fact]
    public async Task Another_user_is_refused_by_the_folder_and_even_with_the_folder_open_by_the_kernel_s_word()
    {
        if (OperatingSystem.IsWindows() || Environment.UserName != "root" || !File.Exists("/usr/bin/setpriv") || !File.Exists("/usr/bin/python3"))
        {
            output.WriteLine("Not tried: to be another user for a moment needs root, setpriv and python3.");
            return;
        }

        using EventTable table = new(_folder["a.db"]);
        using HostProcess service = await StartServiceAsync();
        string path = Directory.GetFiles(ControlFolder).Single();
        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(ControlFolder)); // 0700

        File.SetUnixFileMode(Path.GetDirectoryName(ControlFolder)!, Everybody);
        Assert.Equal("denied", await TryAsNobodyAsync(path));
        try
        {
            File.SetUnixFileMode(ControlFolder, Everybody);
            File.SetUnixFileMode(path, Everybody);
            Assert.Equal("connected, then closed without a word", await TryAsNobodyAsync(path));

            // A folder that others can enter is not believed by our own side either.
            PowerShellSession.Outcome distrusted = session.Run("Get-SqliteReplication -WarningVariable w; $w.Message");
            Assert.Contains("belongs to this user alone", distrusted.Single().BaseObject.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(ControlFolder, (UnixFileMode)0x1C0);
        }

        session.Run("Stop-SqliteReplication * -Force").ThrowIfFailed();
        await service.WaitForExitAsync();
    }

    public void Dispose() => _folder.Dispose();

    private static string ControlFolder => Environment.GetEnvironmentVariable("LITESTREAM_CONTROL_FOLDER")!;

    private async Task<HostProcess> StartServiceAsync()
    {
        File.WriteAllText(_folder["service.ps1"], "Start-SqliteReplication a.db r -Wait -SyncInterval 1h -Verbose\nexit 7\n");
        HostProcess service = HostProcess.Start(_folder.FullPath, "-NonInteractive", "-File", "service.ps1");
        await service.WaitForAsync(": Streaming");
        return service;
    }

    private void AssertReplicaHolds(EventTable table)
    {
        session.Run("Restore-SqliteDatabase $args[0] $args[1] -Force", _folder["r"], _folder["restored.db"]).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(table.FullPath), EventTable.ReadAll(_folder["restored.db"]));
    }

    /// <summary>Writes to a control socket, and reads so many lines, or to the end.</summary>
    private static async Task<string> SayAsync(string path, string text, int replies = 0)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await using NetworkStream stream = new(socket);
        using StreamReader reader = new(stream);
        try
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text));
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
            return replies > 0 ? await reader.ReadLineAsync(limit.Token) ?? "" : await reader.ReadToEndAsync(limit.Token);
        }
        catch (IOException)
        {
            return ""; // closed while we were writing
        }
    }

    /// <summary>Connects as the user nobody and asks for the status; the words for what came of it.</summary>
    private static async Task<string> TryAsNobodyAsync(string path)
    {
        const string Script =
            """
            import socket, sys
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(sys.argv[1])
            except PermissionError:
                print("denied"); sys.exit()
            try:
                s.sendall(b'{"Id":1,"Kind":"Status"}\n')
                heard = s.recv(100)
            except (ConnectionResetError, BrokenPipeError):
                heard = b''
            print("connected, then closed without a word" if heard == b'' else heard)
            """;
        ProcessStartInfo start = new("/usr/bin/setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", Script, path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string said = await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said.Trim();
    }
}
