namespace Litestream.Tools.Help;

/// <summary>A page that cannot be read, or that does not fit the cmdlet: its message is the build's.</summary>
/// <param name="file">The page.</param>
/// <param name="line">From 1; 0 for the page as a whole.</param>
/// <param name="message">What is wrong, and what to write.</param>
public sealed class HelpFormatException(string file, int line, string message)
    : FormatException(line > 0 ? $"{file}({line}): error HELP: {message}" : $"{file}: error HELP: {message}");
