namespace Litestream.Tools.Help;

/// <summary>A name and what is said of it: a parameter, a type.</summary>
/// <param name="Name">The heading.</param>
/// <param name="Text">What follows it.</param>
/// <param name="Line">Where it stands.</param>
public sealed record HelpEntry(string Name, IReadOnlyList<MarkdownBlock> Text, int Line);
