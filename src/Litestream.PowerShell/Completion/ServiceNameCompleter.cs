using System.Collections;
using System.Management.Automation;
using Litestream.PowerShell.Services;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers the services that Register-SqliteReplicationService has made here.</summary>
internal sealed class ServiceNameCompleter : ArgumentCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound) =>
        ServiceFiles.Registered()
            .Where(service => service.Name.StartsWith(CompletionText.Bare(word), StringComparison.OrdinalIgnoreCase))
            .Select(service => CompletionText.Offer(service.Name, service.Definition));
}
