namespace Litestream.Tests.Unit.Maintenance;

internal static class Sequences
{
    internal static IEnumerable<(T First, T Second)> Pairwise<T>(this IEnumerable<T> items)
    {
        using IEnumerator<T> each = items.GetEnumerator();
        for (bool any = each.MoveNext(); any;)
        {
            T first = each.Current;
            any = each.MoveNext();
            if (any)
            {
                yield return (first, each.Current);
            }
        }
    }
}
