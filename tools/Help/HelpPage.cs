using System.Text.RegularExpressions;

namespace Litestream.Tools.Help;

/// <summary>
/// The help of one cmdlet as it is written, in Markdown: synopsis, description, examples, parameters, inputs, outputs, notes and links. The
/// syntax and what is in italics under a parameter are not written but put there from the cmdlet (<see cref="GeneratedText"/>), and are
/// passed over here.
/// </summary>
public sealed partial class HelpPage
{
    private static readonly string[] Sections = ["Syntax", "Description", "Examples", "Parameters", "Inputs", "Outputs", "Notes", "See also"];

    private HelpPage(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The cmdlet.</summary>
    public string Name { get; private set; } = "";

    /// <summary>In one sentence.</summary>
    public string Synopsis { get; private set; } = "";

    /// <summary>At length.</summary>
    public IReadOnlyList<MarkdownBlock> Description { get; private set; } = [];

    /// <summary>What to type.</summary>
    public IReadOnlyList<HelpExample> Examples { get; private set; } = [];

    /// <summary>Every parameter, without the dash.</summary>
    public IReadOnlyList<HelpEntry> Parameters { get; private set; } = [];

    /// <summary>What the pipeline may bring.</summary>
    public IReadOnlyList<HelpEntry> Inputs { get; private set; } = [];

    /// <summary>What is put out.</summary>
    public IReadOnlyList<HelpEntry> Outputs { get; private set; } = [];

    /// <summary>What else is worth knowing.</summary>
    public IReadOnlyList<MarkdownBlock> Notes { get; private set; } = [];

    /// <summary>Other cmdlets and topics.</summary>
    public IReadOnlyList<string> Links { get; private set; } = [];

    /// <summary>Reads a page.</summary>
    /// <param name="path">The file, named as the cmdlet.</param>
    /// <exception cref="HelpFormatException">It is not as it should be.</exception>
    public static HelpPage Read(string path)
    {
        IReadOnlyList<MarkdownBlock> blocks = MarkdownBlock.Parse(File.ReadAllLines(path));
        HelpPage page = new(path);
        if (blocks is not [{ Kind: BlockKind.Heading, Level: 1 } title, { Kind: BlockKind.Paragraph } synopsis, ..]
            || title.Text != System.IO.Path.GetFileNameWithoutExtension(path))
        {
            throw new HelpFormatException(path, 1, "the page begins with the cmdlet's name as its heading, and the synopsis as one paragraph.");
        }

        (page.Name, page.Synopsis) = (title.Text, synopsis.Text);
        Dictionary<string, IReadOnlyList<MarkdownBlock>> sections = [];
        foreach ((MarkdownBlock heading, IReadOnlyList<MarkdownBlock> text) in Split([.. blocks.Skip(2)], level: 2, path))
        {
            if (!Sections.Contains(heading.Text) || !sections.TryAdd(heading.Text, text))
            {
                throw new HelpFormatException(path, heading.Line, $"'{heading.Text}' is no section, or a second one; there are {string.Join(", ", Sections)}.");
            }
        }

        page.Description = sections.GetValueOrDefault("Description", []);
        page.Examples = [.. Split(sections.GetValueOrDefault("Examples", []), level: 3, path).Select(part => Example(part.Heading, part.Text, path))];
        page.Parameters = Entries(sections.GetValueOrDefault("Parameters", []), path);
        page.Inputs = Entries(sections.GetValueOrDefault("Inputs", []), path);
        page.Outputs = Entries(sections.GetValueOrDefault("Outputs", []), path);
        page.Notes = sections.GetValueOrDefault("Notes", []);
        page.Links = [.. sections.GetValueOrDefault("See also", []).Select(item => item.Text)];
        return page;
    }

    private static HelpExample Example(MarkdownBlock heading, IReadOnlyList<MarkdownBlock> text, string path)
    {
        if (text is not [{ Kind: BlockKind.Code, Written: "powershell" } code, ..])
        {
            throw new HelpFormatException(path, heading.Line, "an example begins with ```powershell.");
        }

        MarkdownBlock? output = text is [_, { Kind: BlockKind.Code } second, ..] ? second : null;
        return new HelpExample(heading.Text, code.Text, output?.Text, [.. text.Skip(output is null ? 1 : 2)], heading.Line);
    }

    private static IReadOnlyList<HelpEntry> Entries(IReadOnlyList<MarkdownBlock> section, string path) =>
    [
        .. Split(section, level: 3, path).Select(part => new HelpEntry(
            part.Heading.Text.TrimStart('-'),
            [.. part.Text.Where(block => !(block.Kind == BlockKind.Paragraph && Facts().IsMatch(block.Written)))],
            part.Heading.Line)),
    ];

    private static IEnumerable<(MarkdownBlock Heading, IReadOnlyList<MarkdownBlock> Text)> Split(IReadOnlyList<MarkdownBlock> blocks, int level, string path)
    {
        if (blocks.Count > 0 && blocks[0] is not { Kind: BlockKind.Heading })
        {
            throw new HelpFormatException(path, blocks[0].Line, $"a heading of level {level} is missing before this.");
        }

        int at = 0;
        while (at < blocks.Count)
        {
            MarkdownBlock heading = blocks[at++];
            int first = at;
            while (at < blocks.Count && !(blocks[at].Kind == BlockKind.Heading && blocks[at].Level <= level))
            {
                at++;
            }

            yield return (heading, [.. blocks.Skip(first).Take(at - first)]);
        }
    }

    // The line in italics that is put under a parameter's name.
    [GeneratedRegex(@"^\*[^*].*\*$")]
    private static partial Regex Facts();
}
