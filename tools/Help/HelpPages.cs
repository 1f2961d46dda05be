using System.Management.Automation;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Litestream.Tools.Help;

/// <summary>All pages of a module: a page for each cmdlet, topics named about_*, and an index.</summary>
public static class HelpPages
{
    private const string Index = "README.md";
    private const string ErrorTopic = "about_Litestream_Troubleshooting";

    /// <summary>The files of the module's help, by name.</summary>
    /// <param name="folder">Of the pages.</param>
    /// <param name="cmdlets">All of the module.</param>
    /// <exception cref="HelpFormatException">A page is missing or does not fit.</exception>
    public static IEnumerable<(string Name, string Text)> Made(string folder, IReadOnlyList<CmdletInfo> cmdlets)
    {
        CommandDescription[] commands = [.. cmdlets.Select(CommandDescription.From)];
        XDocument maml = MamlWriter.Write(commands.Select(command => (PageOf(folder, command), command)));
        yield return (commands[0].HelpFile, Text(maml));
        foreach (string topic in Topics(folder))
        {
            yield return (Path.GetFileNameWithoutExtension(topic) + ".help.txt", AboutTopic.Write(topic));
        }
    }

    /// <summary>The pages, by path, with what stands in them from the module as it is now.</summary>
    /// <param name="folder">Of the pages.</param>
    /// <param name="cmdlets">All of the module.</param>
    public static IEnumerable<(string Path, string Text)> Refreshed(string folder, IReadOnlyList<CmdletInfo> cmdlets)
    {
        List<(string Name, string About)> index = [];
        foreach (CmdletInfo cmdlet in cmdlets)
        {
            CommandDescription command = CommandDescription.From(cmdlet);
            HelpPage page = PageOf(folder, command);
            index.Add((page.Name, page.Synopsis));
            yield return (page.Path, GeneratedText.Refresh(File.ReadAllText(page.Path), command));
        }

        foreach (string topic in Topics(folder))
        {
            string name = Path.GetFileNameWithoutExtension(topic);
            index.Add((name, MarkdownBlock.Parse(File.ReadAllLines(topic))[1].Text));
            if (name == ErrorTopic)
            {
                yield return (topic, GeneratedText.Between(
                    File.ReadAllText(topic), GeneratedText.Errors(ErrorDescription.Of(cmdlets[0].ImplementingType.Assembly))));
            }
        }

        string indexPath = Path.Combine(folder, Index);
        yield return (indexPath, GeneratedText.Between(File.ReadAllText(indexPath), GeneratedText.Index(index)));
    }

    /// <summary>The topics.</summary>
    /// <param name="folder">Of the pages.</param>
    public static IReadOnlyList<string> Topics(string folder) => [.. Directory.EnumerateFiles(folder, "about_*.md").Order(StringComparer.Ordinal)];

    /// <summary>The page of a cmdlet.</summary>
    /// <param name="folder">Of the pages.</param>
    /// <param name="command">The cmdlet.</param>
    /// <exception cref="HelpFormatException">It is missing, or cannot be read.</exception>
    public static HelpPage PageOf(string folder, CommandDescription command)
    {
        string path = Path.Combine(folder, command.Name + ".md");
        return File.Exists(path) ? HelpPage.Read(path) : throw new HelpFormatException(path, 0, $"the page of {command.Name} is missing.");
    }

    private static string Text(XDocument document)
    {
        StringBuilder text = new();
        using (XmlWriter writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineChars = "\n", OmitXmlDeclaration = true }))
        {
            document.Save(writer);
        }

        return $"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{text}\n";
    }
}
