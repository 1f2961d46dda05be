using System.Collections;
using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class ModuleTests(PowerShellSession session)
{
    private const string Application = " [-ScriptBlock <scriptblock>] [-Command <string[]>] [-AsJob]";

    private const string StartOptions = " [-RestoreIfMissing]" + RunOptions;

    private const string RunOptions =
        " [-Wait] [-Once] [-AdoptReplica] [-MaxStagingBytes <long>] [-SyncInterval <timespan>]"
        + " [-CompactionInterval <timespan[]>] [-SnapshotInterval <timespan[]>] [-SnapshotRetention <timespan[]>] [-Level0Retention <timespan[]>]"
        + " [-NoMaintenance] [-VerifyInterval <timespan>] [-MetricsPrefix <string>] [-LogPath <string>] [-HeartbeatUri <uri>]"
        + " [-HeartbeatInterval <timespan>] [-Timeout <int>] [-WhatIf] [-Confirm] [<CommonParameters>]";

    private const string ServiceOptions =
        " [-Name <string>] [-User <string>] [-VerifyInterval <timespan>] [-MetricsPrefix <string>] [-LogPath <string>]"
        + " [-Kind <SqliteServiceKind>] [-OutputFolder <string>] [-WhatIf] [-Confirm] [<CommonParameters>]";

    private static readonly string[] Cmdlets =
    [
        "Export-SqliteReplicationConfiguration", "Get-SqliteReplica", "Get-SqliteReplication", "Get-SqliteReplicationMetric", "Get-SqliteRestorePoint", "Import-SqliteReplicationConfiguration",
        "Measure-SqliteReplica", "New-SqliteReplicaLocation", "Register-SqliteReplicationService", "Remove-SqliteReplica",
        "Repair-SqliteReplica", "Reset-SqliteReplication", "Restore-SqliteDatabase", "Resume-SqliteReplication",
        "Start-SqliteReplication", "Stop-SqliteReplication", "Suspend-SqliteReplication", "Sync-SqliteReplication", "Test-SqliteReplica", "Test-SqliteReplicationConfiguration",
        "Unregister-SqliteReplicationService", "Watch-SqliteReplication",
    ];

    [Fact]
    public void Exports_exactly_its_cmdlets()
    {
        PSModuleInfo module = (PSModuleInfo)session.Run("Get-Module Litestream").Single().BaseObject;

        Assert.Equal(Cmdlets, module.ExportedCommands.Keys.Order());
        Assert.Equal(Cmdlets, module.ExportedCmdlets.Keys.Order());
    }

    [Fact]
    public void Manifest_is_valid_and_of_the_assembly_s_version()
    {
        PSModuleInfo manifest = (PSModuleInfo)session.Run($"Test-ModuleManifest '{BuiltModule.Manifest}'").Single().BaseObject;

        Version assembly = AssemblyName.GetAssemblyName(Path.Combine(BuiltModule.Folder, "Litestream.PowerShell.dll")).Version!;
        Assert.Equal(assembly.ToString(3), manifest.Version.ToString());
        Assert.Equal(["Core"], manifest.CompatiblePSEditions);
        Assert.Equal(new Version(7, 6), manifest.PowerShellVersion);
        Assert.Contains("PSEdition_Core", (IEnumerable<object>)((Hashtable)((Hashtable)manifest.PrivateData)["PSData"]!)["Tags"]!);
    }

    [Fact]
    public void Folder_holds_the_cmdlet_assembly_and_all_else_under_dependencies()
    {
        Assert.Equal(
            ["LICENSE", "Litestream.Format.ps1xml", "Litestream.PowerShell.dll", "Litestream.psd1", "THIRD-PARTY-NOTICES.txt", "dependencies", "en-US"],
            Directory.EnumerateFileSystemEntries(BuiltModule.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["linux-arm64", "linux-musl-arm64", "linux-musl-x64", "linux-x64", "osx-arm64", "osx-x64", "win-arm64", "win-x64"],
            Directory.EnumerateDirectories(Path.Combine(BuiltModule.Folder, "dependencies", "runtimes"))
                .Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Core_and_its_packages_stay_out_of_the_engine_s_load_context()
    {
        using TemporaryFolder folder = new();
        session.Run("Get-SqliteReplica $args[0]", folder.FullPath);

        Assembly core = Assert.Single(AppDomain.CurrentDomain.GetAssemblies(), assembly => assembly.GetName().Name == "Litestream.Core");
        Assert.Equal("Litestream", AssemblyLoadContext.GetLoadContext(core)!.Name);
        Assert.StartsWith(Path.Combine(BuiltModule.Folder, "dependencies"), core.Location, StringComparison.Ordinal);
    }

    [Fact]
    public void Can_be_removed_and_imported_again()
    {
        using TemporaryFolder folder = new();
        PowerShellSession.Outcome outcome = session.Run(
            """
            Remove-Module Litestream
            Import-Module $args[0]
            Import-Module $args[0] -Force
            Get-SqliteReplica $args[1]
            """,
            BuiltModule.Manifest,
            folder.FullPath);

        Assert.StartsWith("ReplicaNotFound,", outcome.SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_warns_of_nothing()
    {
        using System.Management.Automation.PowerShell shell = session.NewShell();
        shell.AddScript($"Import-Module '{BuiltModule.Manifest}' -Force").Invoke();

        Assert.Empty(shell.Streams.Warning);
        Assert.Empty(shell.Streams.Error);
    }

    [Theory]
    [InlineData("Get-SqliteReplica", "[-Source] <string> [<CommonParameters>]")]
    [InlineData("Get-SqliteReplication", "[[-Path] <string[]>] [<CommonParameters>]")]
    [InlineData("Get-SqliteReplicationMetric", "[[-Path] <string[]>] [-Name <string[]>] [<CommonParameters>]")]
    [InlineData("Get-SqliteRestorePoint", "[-Source] <string> [<CommonParameters>]")]
    [InlineData("Measure-SqliteReplica", "[-Source] <string> [-Prices <SqliteReplicaPrices>] [<CommonParameters>]")]
    [InlineData(
        "New-SqliteReplicaLocation",
        "[-Url] <string> [-Endpoint <string>] [-Region <string>] [-Credential <pscredential>] [-SessionToken <securestring>] [-ForcePathStyle] [-StorageClass <string>] [-ServerSideEncryption <string>] [-KmsKeyId <string>] [-CustomerKey <securestring>] [-PartSize <int>] [-Concurrency <int>] [-SkipCertificateCheck] [<CommonParameters>]")]
    [InlineData("Remove-SqliteReplica", "[-Source] <string> [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Repair-SqliteReplica", "[-Source] <string> [-Path] <string> [-AdoptReplica] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Reset-SqliteReplication", "[-Path] <string[]> [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData(
        "Restore-SqliteDatabase",
        "[-Source] <string> [-OutputPath] <string> [-TransactionId <ulong>] [-IntegrityCheck <IntegrityCheck>] [-Force] [-IfMissing] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]",
        "[-Source] <string> [-OutputPath] <string> -At <DateTimeOffset> [-IntegrityCheck <IntegrityCheck>] [-Force] [-IfMissing] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]",
        "[-Source] <string> [-OutputPath] <string> -Follow [-Interval <timespan>] [-Once] [-IntegrityCheck <IntegrityCheck>] [-Force] [-IfMissing] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData(
        "Start-SqliteReplication",
        "[-Path] <string[]> [-Destination] <string[]>" + Application + StartOptions,
        "-ConfigurationPath <string>" + Application + " [-NoEnvironmentExpansion]" + StartOptions,
        "[-Destination] <string[]> -LiteralPath <string[]>" + Application + StartOptions,
        "[-Destination] <string[]> -Directory <string>" + Application + " [-RestoreIfMissing] [-Filter <string>] [-Recurse] [-Watch]" + RunOptions)]
    [InlineData(
        "Register-SqliteReplicationService",
        "[-Path] <string> [-Destination] <string[]>" + ServiceOptions,
        "-ConfigurationPath <string>" + ServiceOptions)]
    [InlineData("Unregister-SqliteReplicationService", "[[-Name] <string>] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Watch-SqliteReplication", "[[-Path] <string[]>] [-Interval <timespan>] [-Count <int>] [<CommonParameters>]")]
    [InlineData("Export-SqliteReplicationConfiguration", "[-Path] <string> -InputObject <psobject> [-Force] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Import-SqliteReplicationConfiguration", "[-Path] <string> [-NoEnvironmentExpansion] [<CommonParameters>]")]
    [InlineData("Test-SqliteReplicationConfiguration", "[-Path] <string> [-NoEnvironmentExpansion] [<CommonParameters>]")]
    [InlineData("Resume-SqliteReplication", "[-Path] <string[]> [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Suspend-SqliteReplication", "[-Path] <string[]> [-Timeout <int>] [-PassThru] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Stop-SqliteReplication", "[-Path] <string[]> [-Timeout <int>] [-PassThru] [-Force] [-WhatIf] [-Confirm] [<CommonParameters>]")]
    [InlineData("Sync-SqliteReplication", "[[-Path] <string[]>] [-Timeout <int>] [-PassThru] [<CommonParameters>]")]
    [InlineData(
        "Test-SqliteReplica",
        "[-Source] <string> [[-Path] <string>] [-Depth <VerificationDepth>] [-IntegrityCheck <IntegrityCheck>] [-Timeout <int>] [-Detailed] [<CommonParameters>]")]
    public void Parameters_are(string cmdlet, params string[] sets)
    {
        CmdletInfo info = Command(cmdlet);

        Assert.Equal(sets, info.ParameterSets.Select(set => set.ToString()));
    }

    [Fact]
    public void Every_cmdlet_is_named_as_its_class_and_says_what_it_puts_out()
    {
        foreach (string name in Cmdlets)
        {
            CmdletInfo cmdlet = Command(name);

            Assert.Equal(name.Replace("-", "", StringComparison.Ordinal) + "Command", cmdlet.ImplementingType.Name);
            Assert.NotEmpty(cmdlet.OutputType);
        }
    }

    [Fact]
    public void Every_error_that_Core_throws_has_a_category_and_an_advice()
    {
        session.Run("Get-SqliteReplica /nowhere");
        Assembly core = AppDomain.CurrentDomain.GetAssemblies().Single(assembly => assembly.GetName().Name == "Litestream.Core");
        Type table = Command("Get-SqliteReplica").ImplementingType.Assembly.GetType("Litestream.PowerShell.ErrorTable", throwOnError: true)!;
        MethodInfo record = table.GetMethod("Record", BindingFlags.Static | BindingFlags.NonPublic, [typeof(Exception), typeof(object)])!;
        Exception[] exceptions =
        [
            .. core.GetTypes()
                .Where(type => type is { IsAbstract: false } && type.IsSubclassOf(core.GetType("Litestream.LitestreamException", true)!))
                .Select(type => (Exception)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type)),
        ];

        Assert.NotEmpty(exceptions);
        foreach (Exception exception in exceptions)
        {
            ErrorRecord error = (ErrorRecord)record.Invoke(null, [exception, null])!;

            Assert.Equal(exception.GetType().GetProperty("ErrorId")!.GetValue(exception), error.FullyQualifiedErrorId);
            Assert.NotEqual(ErrorCategory.NotSpecified, error.CategoryInfo.Category);
            Assert.NotEmpty(error.ErrorDetails.RecommendedAction);
        }
    }

    private CmdletInfo Command(string name) => (CmdletInfo)session.Run("Get-Command $args[0]", name).Single().BaseObject;
}
