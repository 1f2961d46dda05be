namespace Litestream.Tools.Help;

/// <summary>What a block of a page is.</summary>
public enum BlockKind
{
    /// <summary>A heading; its level is the number of signs before it.</summary>
    Heading,

    /// <summary>Lines of prose, joined.</summary>
    Paragraph,

    /// <summary>One item of a list.</summary>
    Item,

    /// <summary>Lines between fences, as they stand.</summary>
    Code,

    /// <summary>One row of a table, its cells apart.</summary>
    Row,
}
