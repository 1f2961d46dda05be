using System.Management.Automation;
using Litestream.Tools.Help;

namespace Litestream.Tests.PowerShell;

/// <summary>Help is made from docs/help and from the cmdlets: what the module holds, and what the pages show of the cmdlets, is what they say now.</summary>
[Collection("engine")]
public sealed class HelpTests(PowerShellSession session)
{
    private static readonly string Pages = Path.Combine(SourceTree.Root, "docs", "help");

    [Fact]
    public void The_module_s_help_is_that_of_the_pages()
    {
        foreach ((string name, string text) in HelpPages.Made(Pages, Cmdlets()))
        {
            Assert.Equal(text, File.ReadAllText(Path.Combine(BuiltModule.Folder, "en-US", name)));
        }
    }

    [Fact]
    public void The_pages_show_the_syntax_the_facts_and_the_errors_of_the_module()
    {
        foreach ((string path, string text) in HelpPages.Refreshed(Pages, Cmdlets()))
        {
            Assert.True(
                text == File.ReadAllText(path),
                $"{path} is out of date: run dotnet run --project tools/Help -- docs/help {BuiltModule.Folder} --refresh");
        }
    }

    [Fact]
    public void Get_Help_shows_a_cmdlet_s_page()
    {
        PSObject help = session.Run("Get-Help Get-SqliteReplica -Full").Single();

        Assert.Equal("Lists the files of a replica.", help.Properties["Synopsis"].Value);
        Assert.Equal("true", session.Run("(Get-Help Get-SqliteReplica -Parameter Source).Required").Single().ToString());
    }

    [Fact]
    public void Get_Help_shows_a_topic() =>
        Assert.Contains("LONG DESCRIPTION", session.Run("Get-Help about_Litestream").Single().ToString(), StringComparison.Ordinal);

    private CmdletInfo[] Cmdlets() =>
        [.. session.Run("(Get-Module Litestream).ExportedCmdlets.Values").ThrowIfFailed().Output.Select(cmdlet => (CmdletInfo)cmdlet.BaseObject).OrderBy(cmdlet => cmdlet.Name, StringComparer.Ordinal)];
}
