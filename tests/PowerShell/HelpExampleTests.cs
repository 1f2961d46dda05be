using System.Management.Automation;
using System.Management.Automation.Language;
using Litestream.Tools.Help;

namespace Litestream.Tests.PowerShell;

/// <summary>
/// Every example of the help is run as it stands, one after the other, in a folder with what it speaks of: app.db and its replica, orders.db,
/// tenants/, litestream.yml.
/// </summary>
[Collection("engine")]
public sealed class HelpExampleTests : IDisposable
{
    // What the small engine of the tests lacks of pwsh, as far as the examples use it.
    private const string Missing =
        """
        function Get-ChildItem($Filter) { [IO.Directory]::GetFiles("$pwd", $Filter) | ForEach-Object { [IO.FileInfo]$_ } }
        function Format-List { param([Parameter(ValueFromPipeline)]$InputObject, [Parameter(Position = 0)][object[]]$Property) process { $InputObject } }
        function ConvertTo-SecureString([string]$String, [switch]$AsPlainText) { [Net.NetworkCredential]::new('', $String).SecurePassword }
        function Get-Credential { [pscredential]::new('AKIA', (ConvertTo-SecureString secret -AsPlainText)) }

        """;

    private static readonly string Pages = Path.Combine(SourceTree.Root, "docs", "help");

    // Their examples need a replication that runs, and are run beside the same one.
    private static readonly string[] AboutReplications =
    [
        "Export-SqliteReplicationConfiguration", "Get-SqliteReplica", "Get-SqliteReplication", "Get-SqliteReplicationMetric", "Sync-SqliteReplication",
        "Test-SqliteReplica", "Watch-SqliteReplication", "Suspend-SqliteReplication", "Resume-SqliteReplication", "Stop-SqliteReplication",
    ];

    // The examples that show an error, and which.
    private static readonly Dictionary<string, string> Expected = new()
    {
        ["Go back to how it was five minutes ago"] = "ReplicaNotFound",
        ["See what would be done"] = "FileNotFound",
        ["Remove a service by its name"] = "FileNotFound",
    };

    // The examples that go on until Ctrl-C, and what is there by then.
    private static readonly Dictionary<string, string> Endless = new()
    {
        ["Replicate in the foreground, as a service does"] = "litestream.log",
        ["Keep a copy for reports up to date"] = "reports.db-follow",
        ["Follow all replications"] = "",
    };

    private readonly PowerShellSession _session;
    private readonly TemporaryFolder _folder = new();

    public HelpExampleTests(PowerShellSession session)
    {
        _session = session;
        EventTable.Make(_folder["app.db"], 5);
        EventTable.Make(_folder["orders.db"], 5);
        EventTable.Make(Path.Combine(Directory.CreateDirectory(_folder["tenants"]).FullName, "a.db"), 5);
        Directory.CreateDirectory(_folder["service"]);
        File.WriteAllText(
            _folder["litestream.yml"],
            "dbs:\n  - path: ./app.db\n    replica:\n      path: ./replica\n  - path: ./orders.db\n    replica:\n      path: ./replicas/orders\n");
        Run("Start-SqliteReplication ./app.db ./replica -Once").ThrowIfFailed();
        using (EventTable more = new(_folder["app.db"]))
        {
            more.Add(1);
        }

        Run("Start-SqliteReplication ./app.db ./replica -Once").ThrowIfFailed();
    }

    public static TheoryData<string> OtherCmdlets() =>
        [.. Directory.EnumerateFiles(Pages, "*-*.md").Select(page => Path.GetFileNameWithoutExtension(page)).Except(AboutReplications).Order()];

    [Theory]
    [MemberData(nameof(OtherCmdlets))]
    public async Task Examples_run(string cmdlet)
    {
        // Of what is started here, only this one goes on to the end: one worker for all examples.
        EventTable.Make(Path.Combine(Directory.CreateDirectory(_folder["elsewhere"]).FullName, "kept.db"), 1);
        bool starts = cmdlet == "Start-SqliteReplication";
        if (starts)
        {
            Run("Start-SqliteReplication ./elsewhere/kept.db ./elsewhere/replica").ThrowIfFailed();
        }

        await RunExamplesAsync(cmdlet, before: starts ? "Get-SqliteReplication | Where-Object Path -notlike *kept.db | Stop-SqliteReplication" : "");
    }

    [Fact]
    public async Task Examples_about_replications_run()
    {
        foreach (string cmdlet in AboutReplications)
        {
            await RunExamplesAsync(
                cmdlet, before: "if (-not (Get-SqliteReplication)) { Start-SqliteReplication ./app.db ./replica }; Get-SqliteReplication | Where-Object State -ne Suspended | Sync-SqliteReplication");
        }
    }

    [Fact]
    public void What_the_topics_show_are_commands_and_parameters_that_there_are()
    {
        int seen = 0;
        foreach (MarkdownBlock code in HelpPages.Topics(Pages).SelectMany(topic => MarkdownBlock.Parse(File.ReadAllLines(topic)))
            .Where(block => block is { Kind: BlockKind.Code, Written: "powershell" }))
        {
            ScriptBlockAst script = Parser.ParseInput(code.Text, out _, out ParseError[] errors);
            Assert.Empty(errors);
            foreach (CommandAst command in script.FindAll(node => node is CommandAst, searchNestedScriptBlocks: true).Cast<CommandAst>()
                .Where(command => command.GetCommandName()?.Contains("-Sqlite", StringComparison.Ordinal) == true))
            {
                CommandInfo info = (CommandInfo)_session.Run("Get-Command $args[0]", command.GetCommandName()).Single().BaseObject;
                Assert.All(
                    command.CommandElements.OfType<CommandParameterAst>(),
                    parameter => Assert.True(info.Parameters.ContainsKey(parameter.ParameterName), $"{info.Name} -{parameter.ParameterName}"));
                seen++;
            }
        }

        Assert.True(seen > 20, $"Only {seen} commands found.");
    }

    public void Dispose()
    {
        Run("Get-SqliteReplication | Stop-SqliteReplication");
        _folder.Dispose();
    }

    private PowerShellSession.Outcome Run(string script) => _session.RunIn(_folder.FullPath, script);

    private async Task RunExamplesAsync(string cmdlet, string before)
    {
        foreach (HelpExample example in HelpPage.Read(Path.Combine(Pages, cmdlet + ".md")).Examples)
        {
            string what = $"{cmdlet}, {example.Title}";
            Run(before).ThrowIfFailed();
            if (Endless.TryGetValue(example.Title, out string? sign))
            {
                Assert.Empty(await _session.RunUntilAsync(
                    _folder.FullPath, example.Code, count => sign.Length > 0 ? File.Exists(_folder[sign]) : count > 0));
                continue;
            }

            PowerShellSession.Outcome outcome = Run(Missing + example.Code);
            Assert.True(outcome.Terminating is null, $"{what}: {outcome.Terminating}");
            Assert.All(outcome.Errors, error => Assert.True(
                Expected.GetValueOrDefault(example.Title) is { } id && error.FullyQualifiedErrorId.StartsWith(id + ",", StringComparison.Ordinal),
                $"{what}: {error.FullyQualifiedErrorId} {error}"));
            Assert.DoesNotContain(outcome.Output, one => one?.BaseObject is false);
        }
    }
}
