using System.Text.RegularExpressions;

namespace Litestream.Tools.Help;

/// <summary>One block of a page: the small part of Markdown that help needs.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">As it is shown: without the signs of headings, emphasis, code and links.</param>
/// <param name="Line">Where it begins, from 1.</param>
/// <param name="Level">Of a heading.</param>
/// <param name="Cells">Of a row of a table.</param>
/// <param name="Written">The text with its signs.</param>
public sealed partial record MarkdownBlock(BlockKind Kind, string Text, int Line, int Level, IReadOnlyList<string> Cells, string Written)
{
    /// <summary>The blocks of a page.</summary>
    /// <param name="lines">The page.</param>
    public static IReadOnlyList<MarkdownBlock> Parse(IReadOnlyList<string> lines)
    {
        List<MarkdownBlock> blocks = [];
        int at = 0;
        while (at < lines.Count)
        {
            string line = lines[at];
            int start = at++;
            if (line.Length == 0 || line.StartsWith("<!--", StringComparison.Ordinal))
            {
                continue;
            }

            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                while (at < lines.Count && lines[at] != "```")
                {
                    at++;
                }

                blocks.Add(Block(BlockKind.Code, string.Join('\n', lines.Skip(start + 1).Take(at - start - 1)), start, written: line[3..]));
                at++;
            }
            else if (line.StartsWith('#'))
            {
                string title = line.TrimStart('#');
                blocks.Add(Block(BlockKind.Heading, Plain(title.Trim()), start, line.Length - title.Length, written: title.Trim()));
            }
            else if (line.StartsWith('|'))
            {
                if (!Rule().IsMatch(line))
                {
                    string[] cells = [.. line.Trim('|').Split('|').Select(cell => Plain(cell.Trim()))];
                    blocks.Add(new MarkdownBlock(BlockKind.Row, string.Join("  ", cells), start + 1, 0, cells, line));
                }
            }
            else
            {
                while (at < lines.Count && lines[at].Length > 0 && !Begins().IsMatch(lines[at]))
                {
                    at++;
                }

                bool item = line.StartsWith("- ", StringComparison.Ordinal);
                string text = string.Join(' ', lines.Skip(start).Take(at - start).Select(part => part.Trim()));
                text = item ? text[2..] : text;
                blocks.Add(Block(item ? BlockKind.Item : BlockKind.Paragraph, Plain(text), start, written: text));
            }
        }

        return blocks;
    }

    private static MarkdownBlock Block(BlockKind kind, string text, int start, int level = 0, string written = "") =>
        new(kind, text, start + 1, level, [], written);

    private static string Plain(string text) => Emphasis().Replace(Link().Replace(text, "$1"), "").Replace("`", "", StringComparison.Ordinal);

    [GeneratedRegex(@"^[-|: ]+$")]
    private static partial Regex Rule();

    [GeneratedRegex(@"^(#|\||```|- |<!--)")]
    private static partial Regex Begins();

    [GeneratedRegex(@"\[([^\]]+)\]\([^)]+\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\*\*")]
    private static partial Regex Emphasis();
}
