using System.Collections;
using System.Globalization;
using System.Management.Automation;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers the instants of the replica that -Source names, newest first: for -At their times, for any other parameter their transactions.</summary>
internal sealed class RestorePointCompleter : ArgumentCompleter
{
    private const string Source = "Source";
    private const int Most = 200;

    private static readonly string[] Ages = ["5 minutes ago", "1 hour ago", "1 day ago"];

    /// <inheritdoc/>
    private protected override IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound)
    {
        string typed = CompletionText.Bare(word);
        IEnumerable<RestorePoint> points = PointsOf(bound[Source]).Reverse();
        IEnumerable<CompletionResult> offers = parameter == "At"
            ? points.Select(Moment).Concat(Ages.Select(age => CompletionText.Offer(age, "The newest state that is at least as old")))
            : points.Where(point => point.Txid > 0).Select(Transaction);
        return offers.Where(offer => offer.ListItemText.StartsWith(typed, StringComparison.OrdinalIgnoreCase)).Take(Most);
    }

    private static IReadOnlyList<RestorePoint> PointsOf(object? source)
    {
        ReplicaLocation? place = (source is PSObject wrapped ? wrapped.BaseObject : source) switch
        {
            ReplicaLocation location => location,
            string { Length: > 0 } text => DatabasePaths.ResolvePlace(CompletionText.Session(), text),
            _ => null,
        };
        return place is null ? [] : CompletionLimit.Ask(stop => RestorePoints.ListAsync(place, stop))?.All ?? [];
    }

    // With its offset: an hour of an autumn night is there twice.
    private static CompletionResult Moment(RestorePoint point) => CompletionText.Offer(
        point.Timestamp.ToLocalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture),
        point.Txid > 0 ? FormattableString.Invariant($"Transaction {point.Txid}, level {point.Level}") : $"Generation {point.Generation}");

    private static CompletionResult Transaction(RestorePoint point) => CompletionText.Offer(
        point.Txid.ToString(CultureInfo.InvariantCulture),
        FormattableString.Invariant($"Of {point.Timestamp.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff}, level {point.Level}"));
}
