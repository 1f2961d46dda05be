using System.Diagnostics.Metrics;
using System.Globalization;

namespace Litestream.Diagnostics;

/// <summary>Adds up what <see cref="LitestreamMeter"/> counts from the reader's making on, and reads its gauges when asked. Thread-safe.</summary>
public sealed class MetricReader : IDisposable
{
    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<(Instrument Instrument, string Labels), Series> _series = [];

    /// <summary>Begins to count.</summary>
    public MetricReader()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == LitestreamMeter.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Everything as it is now, by name and labels.</summary>
    public IReadOnlyList<MetricSample> Read()
    {
        lock (_gate)
        {
            // A gauge whose replication has ended is not observed again, and shall not be shown for ever.
            foreach ((Instrument Instrument, string Labels) key in _series.Keys.Where(key => key.Instrument.IsObservable).ToArray())
            {
                _series.Remove(key);
            }

            _listener.RecordObservableInstruments();
            return
            [
                .. _series.OrderBy(entry => entry.Key.Instrument.Name, StringComparer.Ordinal).ThenBy(entry => entry.Key.Labels, StringComparer.Ordinal)
                    .SelectMany(entry => entry.Value.Samples(entry.Key.Instrument)),
            ];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        List<KeyValuePair<string, string>> labels = [];
        foreach ((string name, object? tag) in tags)
        {
            labels.Add(new(name, Convert.ToString(tag, CultureInfo.InvariantCulture) ?? ""));
        }

        labels.Sort((first, second) => string.CompareOrdinal(first.Key, second.Key));
        string key = string.Join('\n', labels);
        lock (_gate)
        {
            if (!_series.TryGetValue((instrument, key), out Series? series))
            {
                _series.Add((instrument, key), series = new Series(labels, (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries ?? []));
            }

            series.Take(value, replace: instrument.IsObservable);
        }
    }

    private sealed class Series(List<KeyValuePair<string, string>> labels, IReadOnlyList<double> bounds)
    {
        private readonly long[] _buckets = new long[bounds.Count];
        private double _sum;
        private long _count;

        public void Take(double value, bool replace)
        {
            _sum = replace ? value : _sum + value;
            _count++;
            for (int i = 0; i < bounds.Count; i++)
            {
                _buckets[i] += value <= bounds[i] ? 1 : 0;
            }
        }

        public IEnumerable<MetricSample> Samples(Instrument instrument)
        {
            string family = instrument.Name.Replace('.', '_');
            string help = instrument.Description ?? "";
            if (instrument is not Histogram<double>)
            {
                return [new MetricSample(family, instrument.IsObservable ? "gauge" : "counter", help, family, labels, _sum)];
            }

            return
            [
                .. bounds.Select((bound, i) => Sample("_bucket", _buckets[i], bound.ToString(CultureInfo.InvariantCulture))),
                Sample("_bucket", _count, "+Inf"),
                Sample("_sum", _sum, null),
                Sample("_count", _count, null),
            ];

            MetricSample Sample(string suffix, double value, string? bound) => new(
                family, "histogram", help, family + suffix, bound is null ? labels : [.. labels, new("le", bound)], value);
        }
    }
}
