using System.Management.Automation;
using System.Text;

namespace Litestream.Tools.Help;

/// <summary>
/// What stands in the pages but is not written there: the syntax, the facts under each parameter's name, the index and the table of errors. It
/// comes from the module, and a test sees when it is out of date.
/// </summary>
public static class GeneratedText
{
    private const string Begin = "<!-- made from the module: -->";
    private const string End = "<!-- to here -->";
    private const int Width = 100;

    /// <summary>A cmdlet's page with its syntax and facts as they are now.</summary>
    /// <param name="page">The page's text.</param>
    /// <param name="command">The cmdlet.</param>
    public static string Refresh(string page, CommandDescription command)
    {
        List<string> lines = [.. page.TrimEnd('\n').Split('\n')];
        int syntax = lines.IndexOf("## Syntax");
        if (syntax < 0)
        {
            syntax = lines.FindIndex(line => line.StartsWith("## ", StringComparison.Ordinal));
            lines.InsertRange(syntax, ["## Syntax", ""]);
        }

        int next = lines.FindIndex(syntax + 1, line => line.StartsWith("## ", StringComparison.Ordinal));
        lines.RemoveRange(syntax + 1, next - syntax - 1);
        lines.InsertRange(syntax + 1, ["", "```text", .. string.Join("\n\n", command.Sets.Select(set => Syntax(command.Name, set))).Split('\n'), "```", ""]);

        foreach (ParameterDescription parameter in command.Parameters)
        {
            int heading = lines.IndexOf($"### -{parameter.Name}");
            if (heading < 0)
            {
                continue;
            }

            bool old = heading + 2 < lines.Count && lines[heading + 2].StartsWith('*') && lines[heading + 2].EndsWith('*');
            lines.RemoveRange(heading + 1, old ? 2 : 0);
            lines.InsertRange(heading + 1, ["", $"*{parameter.Facts.Replace("*", "\\*", StringComparison.Ordinal)}*"]);
        }

        return string.Join('\n', lines) + "\n";
    }

    /// <summary>A page with the text between its two marks replaced.</summary>
    /// <param name="page">The page's text.</param>
    /// <param name="text">What belongs there.</param>
    public static string Between(string page, string text)
    {
        int begin = page.IndexOf(Begin, StringComparison.Ordinal);
        int end = page.IndexOf(End, StringComparison.Ordinal);
        return begin < 0 || end < begin
            ? throw new FormatException($"'{Begin}' and '{End}' are missing.")
            : $"{page[..(begin + Begin.Length)]}\n{text}\n{page[end..]}";
    }

    /// <summary>The index of all pages.</summary>
    /// <param name="pages">Cmdlets and topics with what they are about.</param>
    public static string Index(IEnumerable<(string Name, string About)> pages) =>
        "| page | what it is about |\n|---|---|\n" + string.Join('\n', pages.Select(page => $"| [{page.Name}]({page.Name}.md) | {page.About} |"));

    /// <summary>The table of errors.</summary>
    /// <param name="errors">Id, category, meaning and advice of each.</param>
    public static string Errors(IEnumerable<ErrorDescription> errors) =>
        "| id | meaning | what to do | category |\n|---|---|---|---|\n"
        + string.Join('\n', errors.OrderBy(error => error.Id, StringComparer.Ordinal)
            .Select(error => $"| `{error.Id}` | {error.Meaning} | {error.Action} | {error.Category} |"));

    private static string Syntax(string name, CommandParameterSetInfo set)
    {
        StringBuilder text = new(name);
        int column = name.Length;
        foreach (string word in Words(set.ToString()))
        {
            bool wraps = column + 1 + word.Length > Width;
            text.Append(wraps ? "\n    " : " ").Append(word);
            column = (wraps ? 4 : column + 1) + word.Length;
        }

        return text.ToString();
    }

    // "-Name <type>" and "[-Name <type>]" stay together.
    private static IEnumerable<string> Words(string set)
    {
        string[] parts = set.Split(' ');
        for (int at = 0; at < parts.Length; at++)
        {
            yield return at + 1 < parts.Length && parts[at + 1].StartsWith('<') ? $"{parts[at]} {parts[++at]}" : parts[at];
        }
    }
}
