namespace Litestream.Tools.Help;

/// <summary>An example of a page.</summary>
/// <param name="Title">What it does.</param>
/// <param name="Code">PowerShell.</param>
/// <param name="Output">What it puts out, if that is shown.</param>
/// <param name="Remarks">What to know.</param>
/// <param name="Line">Where it stands.</param>
public sealed record HelpExample(string Title, string Code, string? Output, IReadOnlyList<MarkdownBlock> Remarks, int Line);
