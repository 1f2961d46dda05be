using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace Litestream.PowerShell.Completion;

/// <summary>What all completers have in common: they never throw, and where they know nothing the engine offers what it does by itself.</summary>
internal abstract class ArgumentCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return [.. Offers(parameterName, wordToComplete ?? "", fakeBoundParameters)];
        }
        catch (Exception exception) when (exception is LitestreamException or RuntimeException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Half a word is no path yet: nothing is wrong, there is nothing to offer.
            return [];
        }
    }

    /// <summary>What to offer.</summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="word">What is typed of its value.</param>
    /// <param name="bound">The other parameters, as far as they are known.</param>
    private protected abstract IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound);
}
