using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;
using Xunit.Abstractions;

namespace Litestream.Tests.PowerShell;

/// <summary>The folder of the scripts that services run, on Windows, where anybody may have made it first.</summary>
[Collection("engine")]
public sealed class ServiceFolderTests(PowerShellSession session, ITestOutputHelper output) : IDisposable
{
    private static readonly string Services = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "Litestream");

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Nothing_is_registered_from_a_folder_that_others_may_write_to()
    {
        if (!OperatingSystem.IsWindows() || Directory.Exists(Services))
        {
            output.WriteLine("Not tried: only Windows has a folder for it that anybody may make, and there it must not be in use.");
            return;
        }

        string database = EventTable.Make(_folder["a.db"]);
        try
        {
            AllowEverybody(Directory.CreateDirectory(Services));

            string error = session.Run("Register-SqliteReplicationService $args[0] $args[1] -Name litestream-test -Confirm:$false", database, _folder["r"]).SingleError().ToString();

            Assert.Contains("may write to it", error, StringComparison.Ordinal);
            Assert.Contains("Nothing was registered", error, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(Services));
        }
        finally
        {
            Directory.Delete(Services, recursive: true);
        }
    }

    public void Dispose() => _folder.Dispose();

    [SupportedOSPlatform("windows")]
    private static void AllowEverybody(DirectoryInfo folder)
    {
        DirectorySecurity security = folder.GetAccessControl(AccessControlSections.Access);
        security.AddAccessRule(new FileSystemAccessRule(
            new SecurityIdentifier(WellKnownSidType.WorldSid, null), FileSystemRights.Modify, AccessControlType.Allow));
        folder.SetAccessControl(security);
    }
}
