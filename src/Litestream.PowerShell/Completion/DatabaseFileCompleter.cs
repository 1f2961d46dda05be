using System.Collections;
using System.Management.Automation;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers files that are databases by their names, and folders on the way to them.</summary>
/// <remarks>
/// By their names only: to look into a database and close it again would take away the locks that another connection of this process holds.
/// </remarks>
internal sealed class DatabaseFileCompleter : ArgumentCompleter
{
    private static readonly string[] Extensions = [".db", ".db3", ".sqlite", ".sqlite3"];

    /// <inheritdoc/>
    private protected override IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound) =>
        FileCompletion.Offers(word, file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase));
}
