using System.Management.Automation.Runspaces;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Litestream.Tests.PowerShell;

/// <summary>What each view shows of an object with known values, letter by letter: views.txt is what a user sees.</summary>
[Collection("engine")]
public sealed partial class ViewTests(PowerShellSession session) : IDisposable
{
    private const string Replication =
        """
        @{
            Path = '/srv/app/app.db'; Destination = '/backup/app'; State = 'Streaming'; CapturedTxid = 1204; ReplicaTxid = 1203; Lag = '00:00:00.250'
            LagBytes = 8192; WalSize = 4404019; Since = '2026-11-22T09:00:00'; Transactions = 5120; Pages = 20480; FilesUploaded = 1203; BytesUploaded = 734003200; BaseImages = 1
            ProcessId = 4711; Destinations = @()
        }
        """;

    // By view: the values of the object that is shown, or what makes it. What is said relative to now has no place here.
    private static readonly (string View, string Values)[] Samples =
    [
        ("Replication", Replication),
        ("ReplicationDestination", "@{ Path = '/srv/app/app.db'; Destination = '/backup/app'; State = 'Retrying'; ReplicaTxid = 12; Lag = '00:02:05'; LagBytes = 1048576; LastError = 'No space left on device.' }"),
        ("ReplicationService", "@{ Name = 'litestream'; Kind = 'Systemd'; Registered = $true; ScriptPath = '/etc/litestream/litestream.ps1'; DefinitionPath = '/etc/systemd/system/litestream.service' }"),
        ("ReplicationConfiguration", "@{ Path = '/srv/app/app.db'; Destination = '/backup/app', 's3://bucket/app'; SnapshotRetention = '3.00:00:00' }"),
        ("ReplicationMetric", "@{ Name = 'litestream_txid'; Value = 1204; Path = '/srv/app/app.db'; Kind = 'gauge'; Labels = @('level=0') }"),
        ("ReplicationRun", "@{ Path = '/srv/app/app.db'; Destination = '/backup/app'; Txid = 7; Transactions = 12; Pages = 300; Files = 2; Bytes = 1258291; BaseImages = 1; Scans = 0; Elapsed = '00:00:02' }"),
        ("RestorePoint", "@{ Source = '/backup/app'; Txid = 1204; Timestamp = '2026-11-22T10:00:00.123'; Level = 2 }"),
        ("ReplicaFile", "@{ Source = '/backup/app'; Level = 9; Name = '0000000000000001-00000000000004b4.ltx'; MinTxid = 1; MaxTxid = 1204; Timestamp = '2026-11-22T10:00:00'; Size = 734003200; Pages = 179200; DatabasePages = 179200; PageSize = 4096 }"),
        ("ReplicaMeasure", "@{ Source = 's3://bucket/app'; Files = 120; BytesStored = 5368709120; CapturesPerDay = 86400; PutsPerMonth = 2700000; GetsPerMonth = 95000; BytesWrittenPerMonth = 9663676416; RequestCost = 13.54; StorageCost = 0.12; TransferCost = 0; Prices = @{}; From = '2026-11-21T10:00:00'; To = '2026-11-22T10:00:00' }"),
        ("Restore", "@{ Path = '/srv/app/restored.db'; Source = '/backup/app'; Txid = 1204; Timestamp = '2026-11-22T10:00:00'; Pages = 179200; PageSize = 4096; Size = 734003200; Files = 5; BytesRead = 412316860; Elapsed = '00:00:04' }"),
        ("ReplicaTest", "@{ Source = '/backup/app'; Path = '/srv/app/app.db'; Depth = 'Compare'; IntegrityCheck = 'Full'; Outcome = 'Pass'; FilesChecked = 5; BytesChecked = 412316860; Txid = 1204; Pages = 179200; LiveMd5 = '900150983cd24fb0d6963f7d28e17f72'; RestoredMd5 = '900150983cd24fb0d6963f7d28e17f72'; Elapsed = '00:00:06' }"),
        ("Follow", "@{ Path = '/srv/reports.db'; Source = '/backup/app'; Txid = 1203; ReplicaTxid = 1204; Timestamp = '2026-11-22T10:00:00'; Lag = '00:00:00.8' }"),
        ("ReplicaRepair", "@{ Source = '/backup/app'; Path = '/srv/app/app.db'; Repaired = $true; BytesSent = 8192; Faults = [string[]]@('Page 7 of 0/x.ltx is damaged.'); Deleted = [string[]]@('0/0000000000000004-0000000000000004.ltx'); Txid = 1205; Outcome = 'Pass' }"),
        ("S3Location", "New-SqliteReplicaLocation s3://bucket/app -Region eu-central-1 -StorageClass STANDARD_IA"),
        ("ReplicationDetail", Replication),
    ];

    private static readonly string Views = Path.Combine(BuiltModule.Folder, "Litestream.Format.ps1xml");

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Views_show_what_they_showed()
    {
        XDocument views = XDocument.Load(Views);
        string[] names = [.. views.Descendants("View").Select(view => view.Element("Name")!.Value)];
        Assert.Equal(names.Order(), Samples.Select(sample => sample.View).Order());

        StringBuilder shown = new();
        foreach ((string view, string values) in Samples)
        {
            shown.Append("== ").Append(view).Append('\n').Append(Show(views, view, values));
        }

        Assert.Equal(File.ReadAllText(Path.Combine(SourceTree.Root, "tests", "PowerShell", "views.txt")), shown.ToString());
    }

    public void Dispose() => _folder.Dispose();

    private string Show(XDocument views, string view, string values)
    {
        string type = views.Descendants("View").Single(one => one.Element("Name")!.Value == view).Descendants("TypeName").Single().Value;
        string script = $"{(values.TrimStart().StartsWith('@') ? $"[{type}]" : "")}{values.Trim()} | Out-Default";
        if (view != "ReplicationDetail")
        {
            return Plain(session.Run(script).ThrowIfFailed().Shown);
        }

        // The list of a type that has a table too: alone, it is what is shown.
        XDocument alone = new(views);
        alone.Descendants("View").Where(one => one.Element("Name")!.Value != view).Remove();
        string file = _folder["alone.ps1xml"];
        alone.Save(file);
        RecordingHost host = new();
        InitialSessionState state = InitialSessionState.CreateDefault2();
        state.Formats.Add(new SessionStateFormatEntry(file));
        using Runspace runspace = RunspaceFactory.CreateRunspace(host, state);
        runspace.Open();
        using System.Management.Automation.PowerShell shell = System.Management.Automation.PowerShell.Create(runspace);
        shell.AddScript(script).Invoke();
        Assert.Empty(shell.Streams.Error);
        return Plain(host.TakeOutput());
    }

    // Without colours, and without what is said relative to now.
    private static string Plain(string shown) => string.Join(
        '\n', Age().Replace(Colour().Replace(shown, ""), "(… ago)").ReplaceLineEndings("\n").Trim('\n').Split('\n').Select(line => line.TrimEnd())) + "\n\n";

    [GeneratedRegex(@"\e\[[\d;]*m")]
    private static partial Regex Colour();

    [GeneratedRegex(@"\([^()]* ago\)")]
    private static partial Regex Age();
}
