using System.Collections;
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

    [Fact]
    public void Every_cmdlet_and_every_parameter_has_its_text_and_no_parameter_that_is_not_there()
    {
        foreach (CommandDescription command in Cmdlets().Select(CommandDescription.From))
        {
            HelpPage page = HelpPages.PageOf(Pages, command);
            string[] parameters = [.. command.Parameters.Select(parameter => parameter.Name).Where(name => name is not ("WhatIf" or "Confirm")).Order()];

            Assert.EndsWith(".", page.Synopsis, StringComparison.Ordinal);
            Assert.NotEmpty(page.Description);
            Assert.Equal(parameters, page.Parameters.Select(parameter => parameter.Name).Order());
            Assert.All(page.Parameters, parameter => Assert.True(parameter.Text.Count > 0, $"{page.Name} -{parameter.Name}"));
            Assert.True(page.Examples.Count >= 2, $"{page.Name} has {page.Examples.Count} examples.");
            Assert.Equal(command.Outputs.DefaultIfEmpty("None"), page.Outputs.Select(output => output.Name));
            Assert.Equal(
                command.Parameters.Any(parameter => parameter.Uses.Any(use => use.FromPipeline || use.FromProperty)), page.Inputs.Count > 0);
            Assert.NotEmpty(page.Links);
            Assert.All(page.Links, link => Assert.True(File.Exists(Path.Combine(Pages, link + ".md")), $"{page.Name}: {link}"));
        }
    }

    [Fact]
    public void Get_Help_shows_all_of_it_for_every_cmdlet()
    {
        foreach (CommandDescription command in Cmdlets().Select(CommandDescription.From))
        {
            PSObject help = session.Run(
                """
                $help = Get-Help $args[0] -Full
                @{
                    Synopsis = $help.Synopsis
                    Silent = @($help.parameters.parameter | Where-Object { -not ($_.description | ForEach-Object Text) } | ForEach-Object name)
                    Parameters = @($help.parameters.parameter).Count
                    Sets = @($help.syntax.syntaxItem).Count
                    Examples = @($help.examples.example).Count
                }
                """,
                command.Name).Single();
            Hashtable shown = (Hashtable)help.BaseObject;

            Assert.Equal(HelpPages.PageOf(Pages, command).Synopsis, shown["Synopsis"]);
            Assert.Empty((object[])shown["Silent"]!);
            Assert.Equal(command.Parameters.Count, shown["Parameters"]);
            Assert.Equal(command.Sets.Count, shown["Sets"]);
            Assert.Equal(HelpPages.PageOf(Pages, command).Examples.Count, shown["Examples"]);
        }
    }

    [Fact]
    public void The_table_of_errors_has_every_id_its_meaning_and_an_advice()
    {
        IReadOnlyList<ErrorDescription> errors = ErrorDescription.Of(Cmdlets()[0].ImplementingType.Assembly);
        string topic = session.Run("Get-Help about_Litestream_Troubleshooting").Single().ToString();

        Assert.All(errors, error =>
        {
            Assert.EndsWith(".", error.Meaning, StringComparison.Ordinal);
            Assert.EndsWith(".", error.Action, StringComparison.Ordinal);
            Assert.Contains($"\n    {error.Id}\n", topic.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        });
    }

    private CmdletInfo[] Cmdlets() =>
        [.. session.Run("(Get-Module Litestream).ExportedCmdlets.Values").ThrowIfFailed().Output.Select(cmdlet => (CmdletInfo)cmdlet.BaseObject).OrderBy(cmdlet => cmdlet.Name, StringComparer.Ordinal)];
}
