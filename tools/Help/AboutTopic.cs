using System.Text;

namespace Litestream.Tools.Help;

/// <summary>Writes a topic, a page about_*.md, as the plain text that Get-Help shows.</summary>
public static class AboutTopic
{
    private const int Width = 80;
    private const string Indent = "    ";

    /// <summary>Writes a topic.</summary>
    /// <param name="path">The page: the topic's name as its heading, then a paragraph that says what it is about.</param>
    /// <exception cref="HelpFormatException">It begins otherwise.</exception>
    public static string Write(string path)
    {
        IReadOnlyList<MarkdownBlock> blocks = MarkdownBlock.Parse(File.ReadAllLines(path));
        string name = Path.GetFileNameWithoutExtension(path);
        if (blocks is not [{ Kind: BlockKind.Heading, Level: 1 } title, { Kind: BlockKind.Paragraph } about, ..] || title.Text != name)
        {
            throw new HelpFormatException(path, 1, "a topic begins with its name as the heading, and one paragraph that says what it is about.");
        }

        // Get-Help takes the fifth line for the synopsis: it is not wrapped.
        StringBuilder text = new($"TOPIC\n{Indent}{name}\n\nSHORT DESCRIPTION\n{Indent}{about.Text}\n\nLONG DESCRIPTION\n");
        BlockKind? last = null;
        IReadOnlyList<string> heads = [];
        foreach (MarkdownBlock block in blocks.Skip(2))
        {
            bool close = block.Kind == BlockKind.Item && last == BlockKind.Item;
            if (block.Kind == BlockKind.Row && last != BlockKind.Row)
            {
                (heads, last) = (block.Cells, block.Kind);
                continue;
            }

            text.Append(close || text[^1] != '\n' || last is null ? "" : "\n").Append(Show(block, heads));
            last = block.Kind;
        }

        return text.ToString();
    }

    private static string Show(MarkdownBlock block, IReadOnlyList<string> heads) => block.Kind switch
    {
        BlockKind.Heading => block.Level == 2 ? $"{block.Text.ToUpperInvariant()}\n" : $"  {block.Text}\n",
        BlockKind.Code => string.Concat(block.Text.Split('\n').Select(line => $"{Indent}{Indent}{line}".TrimEnd() + "\n")),
        BlockKind.Item => Wrap("- " + block.Text, Indent, Indent + "  "),

        // A table is too wide for a console: each row becomes an entry under its first cell.
        BlockKind.Row => $"{Indent}{block.Cells[0]}\n" + string.Concat(block.Cells.Skip(1).Select(
            (cell, at) => Wrap(at == 0 ? cell : $"{char.ToUpperInvariant(heads[at + 1][0])}{heads[at + 1][1..]}: {cell}", Indent + Indent, Indent + Indent))),
        _ => Wrap(block.Text, Indent, Indent),
    };

    private static string Wrap(string text, string first, string next)
    {
        StringBuilder wrapped = new();
        StringBuilder line = new(first);
        bool begun = false;
        foreach (string word in text.Split(' '))
        {
            if (begun && line.Length + word.Length >= Width)
            {
                wrapped.Append(line).Append('\n');
                line.Clear().Append(next);
                begun = false;
            }

            line.Append(begun ? " " : "").Append(word);
            begun = true;
        }

        return wrapped.Append(line).Append('\n').ToString();
    }
}
