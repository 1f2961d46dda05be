using System.Management.Automation;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers files and folders, in the way in which their path was begun.</summary>
/// <remarks>
/// What begins with a dot is offered only to who has typed one: the folders beside databases in which their replication is kept are nobody's
/// place. Nothing is opened.
/// </remarks>
internal static class FileCompletion
{
    private static readonly char[] Separators = OperatingSystem.IsWindows() ? ['/', '\\'] : ['/'];

    /// <summary>Folders, and those files that are wanted.</summary>
    /// <param name="word">As typed.</param>
    /// <param name="wanted">Of a file's name.</param>
    internal static IEnumerable<CompletionResult> Offers(string word, Func<string, bool> wanted)
    {
        string typed = CompletionText.Bare(word);
        int name = typed.LastIndexOfAny(Separators) + 1;
        string before = name == 0 ? $".{Path.DirectorySeparatorChar}" : typed[..name];
        DirectoryInfo folder = new(CompletionText.Session().Path.GetUnresolvedProviderPathFromPSPath(before));
        bool hidden = name < typed.Length && typed[name] == '.';
        return !folder.Exists ? [] : folder.EnumerateFileSystemInfos()
            .Where(entry => entry.Name.StartsWith(typed[name..], StringComparison.OrdinalIgnoreCase)
                && (hidden || !entry.Name.StartsWith('.'))
                && (entry is DirectoryInfo || wanted(entry.Name)))
            .OrderBy(entry => entry is DirectoryInfo ? 0 : 1).ThenBy(entry => entry.Name, StringComparer.OrdinalIgnoreCase)
            .Select(entry => new CompletionResult(
                CompletionText.Quote(before + entry.Name),
                entry.Name,
                entry is DirectoryInfo ? CompletionResultType.ProviderContainer : CompletionResultType.ProviderItem,
                entry.FullName));
    }
}
