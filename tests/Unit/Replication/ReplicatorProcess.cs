using System.Globalization;
using System.Text.Json;
using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Replication;

/// <summary>A replicator in a process of its own, which can be killed.</summary>
internal sealed class ReplicatorProcess : IDisposable
{
    private readonly ChildProcess _child;

    private ReplicatorProcess(ChildProcess child) => _child = child;

    public int Id => _child.Id;

    /// <summary>Starts it and does not wait for anything.</summary>
    public static ReplicatorProcess Begin(string database, string destination, params string[] under) =>
        new(ChildProcess.Start(RunAsync, [database, destination], under));

    /// <summary>Starts it and does not wait for anything; it gathers captures into files.</summary>
    public static ReplicatorProcess Begin(string database, string destination, TimeSpan syncInterval) =>
        new(ChildProcess.Start(RunAsync, [database, destination, syncInterval.ToString()]));

    /// <summary>Starts it; it streams when this completes.</summary>
    public static async Task<ReplicatorProcess> StartAsync(string database, string destination)
    {
        ReplicatorProcess replicator = Begin(database, destination);
        Assert.Equal("streaming", await replicator._child.ReadLineAsync());
        return replicator;
    }

    /// <summary>The next line that it says: "streaming", or the error that ended it.</summary>
    public Task<string> ReadLineAsync() => _child.ReadLineAsync();

    /// <summary>Waits until what is committed is in the replica.</summary>
    public Task<ReplicationStatus> SyncAsync() => AskAsync("sync");

    /// <summary>A last sync, then its end; tells what it did.</summary>
    public Task<ReplicationStatus> StopAsync() => AskAsync("stop");

    /// <summary>The most memory that it had until now, in bytes. Linux only.</summary>
    public async Task<long> PeakMemoryAsync()
    {
        await _child.WriteLineAsync("memory");
        return long.Parse(await _child.ReadLineAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Opens and closes a file in that process, as another user of the database there would.</summary>
    public Task<ReplicationStatus> TouchAsync(string path) => AskAsync("touch " + path);

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public Task KillAsync() => _child.KillAsync();

    public void Dispose() => _child.Dispose();

    private async Task<ReplicationStatus> AskAsync(string command)
    {
        await _child.WriteLineAsync(command);
        string answer = await _child.ReadLineAsync();
        Assert.StartsWith("{", answer, StringComparison.Ordinal);
        return JsonSerializer.Deserialize<ReplicationStatus>(answer)!;
    }

    private static async Task RunAsync(string[] args)
    {
        var replicator = new Replicator(new ReplicationOptions
        {
            DatabasePath = args[0],
            Destinations = [ReplicaLocation.Parse(args[1])],
            SyncInterval = args.Length > 2 ? TimeSpan.Parse(args[2], CultureInfo.InvariantCulture) : null,
        });
        try
        {
            await replicator.StartAsync(CancellationToken.None);
            Console.WriteLine("streaming");
            while (await Console.In.ReadLineAsync() is { } command)
            {
                switch (command)
                {
                    case "memory":
                        Console.WriteLine(PeakMemory().ToString(CultureInfo.InvariantCulture));
                        continue;
                    case ['t', 'o', 'u', 'c', 'h', ' ', .. string path]:
                        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite).Dispose();
                        break;
                    case "sync":
                        await replicator.SyncAsync(CancellationToken.None);
                        break;
                    default:
                        await replicator.StopAsync(CancellationToken.None);
                        break;
                }

                Console.WriteLine(JsonSerializer.Serialize(replicator.Status));
            }
        }
        catch (LitestreamException e)
        {
            Console.WriteLine($"{e.ErrorId}: {e.Message}");
        }
        finally
        {
            await replicator.DisposeAsync();
        }
    }

    private static long PeakMemory()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan(6).Trim()[..^3], NumberStyles.Integer, CultureInfo.InvariantCulture);
    }
}
