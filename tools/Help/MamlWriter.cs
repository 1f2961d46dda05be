using System.Globalization;
using System.Management.Automation;
using System.Xml.Linq;

namespace Litestream.Tools.Help;

/// <summary>Writes pages as the XML that Get-Help reads (MAML): prose from the page, everything else from the cmdlet.</summary>
public static class MamlWriter
{
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";
    private static readonly XNamespace Items = "http://msh";

    // What every cmdlet that changes something has, in the same words.
    private static readonly Dictionary<string, string> Common = new()
    {
        ["WhatIf"] = "Shows what would be done, and does nothing of it.",
        ["Confirm"] = "Asks before each change.",
    };

    /// <summary>Writes the help of a module.</summary>
    /// <param name="commands">Its cmdlets, each with its page.</param>
    /// <exception cref="HelpFormatException">A page says too little or too much.</exception>
    public static XDocument Write(IEnumerable<(HelpPage Page, CommandDescription Command)> commands) => new(
        new XElement(Items + "helpItems", new XAttribute("schema", "maml"), commands.Select(entry => WriteCommand(entry.Page, entry.Command))));

    private static XElement WriteCommand(HelpPage page, CommandDescription command)
    {
        Dictionary<string, XElement[]> texts = Texts(page, command);
        string[] words = command.Name.Split('-');
        return new XElement(
            Command + "command",
            new XAttribute(XNamespace.Xmlns + "maml", Maml),
            new XAttribute(XNamespace.Xmlns + "command", Command),
            new XAttribute(XNamespace.Xmlns + "dev", Dev),
            new XElement(
                Command + "details",
                new XElement(Command + "name", command.Name),
                new XElement(Command + "verb", words[0]),
                new XElement(Command + "noun", words[1]),
                new XElement(Maml + "description", Paragraph(page.Synopsis))),
            new XElement(Maml + "description", Paragraphs(page.Description)),
            new XElement(Command + "syntax", command.Sets.Select(set => Syntax(command, set))),
            new XElement(Command + "parameters", InOrderOf(page, command).Select(parameter => Parameter(parameter, parameter.Uses[0], texts[parameter.Name]))),
            new XElement(Command + "inputTypes", page.Inputs.Select(input => TypeOf(Command + "inputType", input))),
            new XElement(Command + "returnValues", page.Outputs.Select(output => TypeOf(Command + "returnValue", output))),
            page.Notes.Count == 0 ? null : new XElement(Maml + "alertSet", new XElement(Maml + "alert", Paragraphs(page.Notes))),
            new XElement(Command + "examples", page.Examples.Select((example, at) => Example(example, at + 1))),
            new XElement(Command + "relatedLinks", page.Links.Select(link => new XElement(
                Maml + "navigationLink", new XElement(Maml + "linkText", link), new XElement(Maml + "uri")))));
    }

    private static Dictionary<string, XElement[]> Texts(HelpPage page, CommandDescription command)
    {
        Dictionary<string, HelpEntry> written = page.Parameters.ToDictionary(entry => entry.Name);
        string[] known = [.. command.Parameters.Select(parameter => parameter.Name)];
        if (page.Parameters.FirstOrDefault(entry => !known.Contains(entry.Name)) is { } unknown)
        {
            throw new HelpFormatException(page.Path, unknown.Line, $"{command.Name} has no parameter -{unknown.Name}.");
        }

        Dictionary<string, XElement[]> texts = [];
        foreach (ParameterDescription parameter in command.Parameters)
        {
            texts[parameter.Name] = written.TryGetValue(parameter.Name, out HelpEntry? entry) && entry.Text.Count > 0
                ? [.. Paragraphs(entry.Text)]
                : Common.TryGetValue(parameter.Name, out string? common) ? [Paragraph(common)]
                : throw new HelpFormatException(page.Path, entry?.Line ?? 0, $"-{parameter.Name} is not described: write it below '### -{parameter.Name}' in Parameters.");
            if (parameter.Values.Count > 0 || parameter.Range.Length > 0)
            {
                string values = parameter.Values.Count > 0 ? $"One of {string.Join(", ", parameter.Values)}." : $"From {parameter.Range}.".Replace("From at least", "At least", StringComparison.Ordinal);
                texts[parameter.Name] = [.. texts[parameter.Name], Paragraph(values)];
            }
        }

        return texts;
    }

    // As they are written; what every cmdlet has, last.
    private static IEnumerable<ParameterDescription> InOrderOf(HelpPage page, CommandDescription command)
    {
        string[] written = [.. page.Parameters.Select(entry => entry.Name)];
        return command.Parameters.OrderBy(parameter => Array.IndexOf(written, parameter.Name) is >= 0 and int at ? at : int.MaxValue);
    }

    private static XElement Syntax(CommandDescription command, CommandParameterSetInfo set) => new(
        Command + "syntaxItem",
        new XElement(Maml + "name", command.Name),
        CommandDescription.Own(set)
            .OrderBy(parameter => parameter.Position < 0 ? int.MaxValue : parameter.Position)
            .ThenBy(parameter => parameter.IsMandatory ? 0 : 1)
            .Select(parameter => command.Parameters.Single(known => known.Name == parameter.Name))
            .Select(parameter => Parameter(parameter, parameter.Uses.Single(use => use.Set == set.Name), [])));

    private static XElement Parameter(ParameterDescription parameter, ParameterUse use, XElement[] text)
    {
        string from = (use.FromPipeline ? "ByValue" : "") + (use.FromPipeline && use.FromProperty ? ", " : "") + (use.FromProperty ? "ByPropertyName" : "");
        return new XElement(
            Command + "parameter",
            new XAttribute("required", use.Mandatory ? "true" : "false"),
            new XAttribute("globbing", parameter.Wildcards ? "true" : "false"),
            new XAttribute("pipelineInput", from.Length > 0 ? $"True ({from})" : "False"),
            new XAttribute("position", use.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
            new XAttribute("aliases", parameter.Aliases.Count > 0 ? string.Join(", ", parameter.Aliases) : "none"),
            new XElement(Maml + "name", parameter.Name),
            new XElement(Maml + "description", text),
            parameter.IsSwitch ? null : new XElement(Command + "parameterValue", new XAttribute("required", "true"), parameter.Type),
            new XElement(Dev + "type", new XElement(Maml + "name", parameter.Type), new XElement(Maml + "uri")),
            new XElement(Dev + "defaultValue", parameter.Default.Length > 0 ? parameter.Default : parameter.IsSwitch ? "False" : "None"));
    }

    private static XElement TypeOf(XName name, HelpEntry entry) => new(
        name,
        new XElement(Dev + "type", new XElement(Maml + "name", entry.Name), new XElement(Maml + "uri")),
        new XElement(Maml + "description", Paragraphs(entry.Text)));

    private static XElement Example(HelpExample example, int number) => new(
        Command + "example",
        new XElement(Maml + "title", string.Create(CultureInfo.InvariantCulture, $"--- Example {number}: {example.Title} ---")),
        new XElement(Dev + "code", example.Output is null ? example.Code : $"{example.Code}\n\n{example.Output}"),

        // The engine's view puts no empty line before the next example.
        new XElement(Dev + "remarks", Paragraphs(example.Remarks), Paragraph(""), Paragraph("")));

    private static IEnumerable<XElement> Paragraphs(IEnumerable<MarkdownBlock> blocks) => blocks.Select(
        block => Paragraph(block.Kind == BlockKind.Item ? $"- {block.Text}" : block.Text));

    private static XElement Paragraph(string text) => new(Maml + "para", text);
}
