using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;
using Xunit.Abstractions;

namespace Litestream.Tests.PowerShell;

/// <summary>
/// The access list of the control folder, which Windows alone has; what modes do elsewhere: <see cref="ControlTests"/>. That a socket in it
/// cannot be connected to by others is not tried: Wine has no Unix sockets.
/// </summary>
[Collection("engine")]
public sealed class ControlFolderTests(PowerShellSession session, ITestOutputHelper output) : IDisposable
{
    private const string Variable = "LITESTREAM_CONTROL_FOLDER";

    private readonly TemporaryFolder _folder = new();
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);

    [Fact]
    public void It_is_made_for_this_user_alone()
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        Environment.SetEnvironmentVariable(Variable, _folder["control", "run"]);
        string database = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1]; Stop-SqliteReplication *", database, _folder["r"]).ThrowIfFailed();

        foreach (string made in (string[])[_folder["control"], _folder["control", "run"]])
        {
            Assert.Empty(Others(made));
        }

        // The folder above is open to whoever the profile is open to, and nothing of that came down.
        Assert.Empty(session.Run("Get-SqliteReplication -WarningVariable w; $w").ThrowIfFailed().Output);
    }

    [Fact]
    public void One_that_others_may_write_to_is_not_believed()
    {
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        Environment.SetEnvironmentVariable(Variable, Directory.CreateDirectory(_folder["run"]).FullName);
        Allow(_folder["run"], FileSystemRights.ReadAndExecute);
        Assert.Empty(session.Run("Get-SqliteReplication -WarningVariable w; $w").ThrowIfFailed().Output);

        Allow(_folder["run"], FileSystemRights.Modify);
        Assert.Contains("may write to it", session.Run("Get-SqliteReplication -WarningVariable w; $w.Message").Single().ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_somebody_else_is_not_believed()
    {
        string windows = Environment.GetFolderPath(Environment.SpecialFolder.Windows);
        if (!OperatingSystem.IsWindows() || !BelongsToTheInstaller(windows))
        {
            output.WriteLine("Not tried: there is no folder here that belongs to somebody else. Under Wine all belong to the one user.");
            return;
        }

        Environment.SetEnvironmentVariable(Variable, windows);
        Assert.Contains("belongs to", session.Run("Get-SqliteReplication -WarningVariable w; $w.Message").Single().ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _before);
        _folder.Dispose();
    }

    [SupportedOSPlatform("windows")]
    private static List<string> Others(string path)
    {
        using WindowsIdentity identity = WindowsIdentity.GetCurrent();
        List<IdentityReference> ours =
        [
            identity.User!,
            new SecurityIdentifier(WellKnownSidType.LocalSystemSid, null),
            new SecurityIdentifier(WellKnownSidType.BuiltinAdministratorsSid, null),
        ];
        return
        [
            .. new DirectoryInfo(path).GetAccessControl(AccessControlSections.Access)
                .GetAccessRules(includeExplicit: true, includeInherited: true, typeof(SecurityIdentifier)).Cast<FileSystemAccessRule>()
                .Where(rule => !ours.Contains(rule.IdentityReference))
                .Select(rule => $"{rule.IdentityReference} {rule.FileSystemRights}"),
        ];
    }

    [SupportedOSPlatform("windows")]
    private static void Allow(string path, FileSystemRights rights)
    {
        DirectoryInfo folder = new(path);
        DirectorySecurity security = folder.GetAccessControl();
        security.AddAccessRule(new FileSystemAccessRule(
            new SecurityIdentifier(WellKnownSidType.WorldSid, null), rights, InheritanceFlags.None, PropagationFlags.None, AccessControlType.Allow));
        folder.SetAccessControl(security);
    }

    [SupportedOSPlatform("windows")]
    private static bool BelongsToTheInstaller(string path) =>
        new DirectoryInfo(path).GetAccessControl(AccessControlSections.Owner).GetOwner(typeof(SecurityIdentifier))?.Value
            == "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"; // NT SERVICE\TrustedInstaller
}
