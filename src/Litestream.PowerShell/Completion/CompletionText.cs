using System.Buffers;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace Litestream.PowerShell.Completion;

/// <summary>From what is typed to what is offered.</summary>
internal static class CompletionText
{
    // What ends an argument, or makes another of it, where it stands without quotes.
    private static readonly SearchValues<char> NeedQuotes = SearchValues.Create(" \t'\"`$&;,(){}|<>@#");

    /// <summary>What is typed, without its quotes.</summary>
    /// <param name="word">As typed.</param>
    internal static string Bare(string word) => word.Trim('\'', '"');

    /// <summary>An offer of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="note">What to know of it.</param>
    internal static CompletionResult Offer(string value, string note) => new(Quote(value), value, CompletionResultType.ParameterValue, note);

    /// <summary>What is offered of full paths: those that begin as what is typed, by themselves, by their name, or from the current location.</summary>
    /// <param name="paths">Full paths or URLs, with a note each.</param>
    /// <param name="word">As typed.</param>
    internal static IEnumerable<CompletionResult> Paths(IEnumerable<(string Path, string Note)> paths, string word)
    {
        string typed = Bare(word);
        string full = typed.Contains("://", StringComparison.Ordinal) ? typed : FullPath(typed);
        return paths.DistinctBy(entry => entry.Path)
            .Where(entry => Begins(entry.Path, typed) || Begins(Path.GetFileName(entry.Path), typed) || (typed.Length > 0 && Begins(entry.Path, full)))
            .Select(entry => Offer(entry.Path, entry.Note));
    }

    /// <summary>The session of the runspace in which somebody types.</summary>
    internal static SessionState Session()
    {
        using System.Management.Automation.PowerShell shell = System.Management.Automation.PowerShell.Create(RunspaceMode.CurrentRunspace);
        return ((EngineIntrinsics)shell.AddScript("$ExecutionContext").Invoke()[0].BaseObject).SessionState;
    }

    /// <summary>A value as it must be typed.</summary>
    /// <param name="text">The value.</param>
    internal static string Quote(string text) =>
        text.Length > 0 && !text.AsSpan().ContainsAny(NeedQuotes) ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";

    private static string FullPath(string typed)
    {
        // A separator at the end says that what is meant lies inside.
        string path = Session().Path.GetUnresolvedProviderPathFromPSPath(typed.Length == 0 ? "." : typed);
        return typed.EndsWith('/') || typed.EndsWith('\\') ? Path.TrimEndingDirectorySeparator(path) + Path.DirectorySeparatorChar : path;
    }

    private static bool Begins(string text, string start) => text.StartsWith(start, StringComparison.OrdinalIgnoreCase);
}
