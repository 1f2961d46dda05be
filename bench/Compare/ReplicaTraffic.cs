using System.Diagnostics.Metrics;
using Litestream.Diagnostics;

namespace Litestream.Bench.Compare;

/// <summary>Counts operations on replicas and the bytes read there, as this project's own meter tells of them, and what goes over HTTP.</summary>
internal sealed class ReplicaTraffic : IDisposable
{
    private const string OperationsName = "litestream.replica.operation.total";
    private const string BytesName = "litestream.replica.operation.bytes";
    private const string HttpMeter = "System.Net.Http";
    private const string HttpName = "http.client.request.duration";

    private readonly MeterListener _listener = new();
    private long _operations;
    private long _bytesRead;
    private long _httpRequests;

    public ReplicaTraffic()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if ((instrument.Meter.Name, instrument.Name) is (LitestreamMeter.Name, OperationsName or BytesName) or (HttpMeter, HttpName))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>(Take);
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref _httpRequests)); // one time a request
        _listener.Start();
    }

    public long Operations => Interlocked.Read(ref _operations);

    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public long HttpRequests => Interlocked.Read(ref _httpRequests);

    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        if (instrument.Name == OperationsName)
        {
            Interlocked.Add(ref _operations, value);
            return;
        }

        foreach ((string name, object? tag) in tags)
        {
            if (name == "operation" && tag is "GET")
            {
                Interlocked.Add(ref _bytesRead, value);
            }
        }
    }
}
