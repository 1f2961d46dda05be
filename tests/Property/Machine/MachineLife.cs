using System.Globalization;
using System.Security.Cryptography;
using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Machine;

/// <summary>
/// Runs commands against a real database, the real steps of the replicator and a real replica, beside a model that knows the SHA-256 of
/// the image that was committed when each transaction was captured.
/// </summary>
internal sealed class MachineLife : IAsyncDisposable
{
    private static readonly MaintenanceOptions Maintenance = new()
    {
        Levels = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5)],
        SnapshotInterval = TimeSpan.FromHours(1),
        SnapshotRetention = TimeSpan.FromHours(2),
        Level0Retention = TimeSpan.FromMinutes(5),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("litestream-test-").FullName;
    private readonly ApplicationModel _application;
    private readonly MachineClock _clock = new();
    private readonly UnsteadyStore _store;
    private readonly ReplicatorSteps _ours;
    private readonly Dictionary<ulong, string> _images = [];
    private bool _forgotten;

    private MachineLife(int pageSize, int autoVacuum)
    {
        _application = new ApplicationModel(Database, pageSize, autoVacuum);
        ReplicaLocation replica = ReplicaLocation.Parse(Replica);
        _store = new UnsteadyStore(replica.Open());
        _ours = new ReplicatorSteps(Database, _store, _clock, new ReplicationOptions
        {
            DatabasePath = Database,
            Destinations = [replica],
            CheckpointBytes = 20 * pageSize,
            BlockingCheckpointBytes = 200 * pageSize,
            BusyTimeout = TimeSpan.Zero,
            Maintenance = Maintenance,
        });
    }

    private string Database => Path.Combine(_folder, "app.db");

    private string Backup => Path.Combine(_folder, "backup.db");

    private string Replica => Path.Combine(_folder, "replica");

    /// <summary>Lives through the commands; throws where the machine does not do what the model says.</summary>
    public static async Task RunAsync(int pageSize, int autoVacuum, IEnumerable<MachineCommand> commands)
    {
        await using var life = new MachineLife(pageSize, autoVacuum);
        life._application.Create();
        await life.StartAsync();
        foreach (MachineCommand command in commands)
        {
            await life.StepAsync(command);
            life._clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        await life.EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ours.DisposeAsync();
        _application.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StepAsync(MachineCommand command)
    {
        var random = new Random(command.Seed);
        switch (command.Kind)
        {
            case MachineCommandKind.Start when !_ours.IsRunning:
                await StartAsync();
                break;
            case MachineCommandKind.LoseLocalState when !_ours.IsRunning:
                _ours.LoseLocalState();
                _forgotten = true;
                break;
            case MachineCommandKind.PutBackupBack when !_ours.IsRunning:
                PutBackupBack();
                break;
            case MachineCommandKind.Outage:
                _store.Fail(random.Next(1, 8), random.Next());
                break;
            case MachineCommandKind.Wait:
                _clock.Advance(TimeSpan.FromSeconds(Math.Exp(random.NextDouble() * 9)));
                break;
            case MachineCommandKind.Restore:
                await CheckAsync(random, points: 1);
                break;
            case < MachineCommandKind.PutBackupBack:
                _application.Run(command);
                break;
            case > MachineCommandKind.PutBackupBack when _ours.IsRunning:
                await StepOursAsync(command.Kind, random);
                break;
            default:
                break;
        }
    }

    private async Task StepOursAsync(MachineCommandKind kind, Random random)
    {
        switch (kind)
        {
            case MachineCommandKind.Look:
                _ours.Look();
                break;
            case MachineCommandKind.Capture:
                _ours.Capture();
                Remember();
                return;
            case MachineCommandKind.Checkpoint:
                _ours.Checkpoint(idle: random.Next(2) == 0);
                break;
            case MachineCommandKind.SaveTable:
                _ours.SaveTable();
                break;
            case MachineCommandKind.Upload:
                await _ours.UploadAsync(random.Next(1, 4));
                break;
            case MachineCommandKind.Synchronize:
                _ours.Capture();
                Remember();
                await _ours.UploadAsync(int.MaxValue);
                return;
            case MachineCommandKind.Maintain:
                await _ours.MaintainAsync();
                break;
            case MachineCommandKind.Crash or MachineCommandKind.PowerCut:
                _ours.Crash(kind == MachineCommandKind.PowerCut, random);
                _forgotten |= kind == MachineCommandKind.PowerCut;
                return;
            case MachineCommandKind.Stop:
                _ours.Stop();
                return;
            default:
                return;
        }

        RememberIfNew();
    }

    private async Task StartAsync()
    {
        ulong known;
        List<ReplicaFile> before = await ReplicaListing.ReadAsync(_store, CancellationToken.None);
        try
        {
            known = await _ours.StartAsync();
        }
        catch (ReplicaUnreachableException)
        {
            // An outage, and a later command starts again. A full image may have arrived all the same, of what is committed now; it may bear
            // the number of a transaction that was captured, and that a power cut took before it was sent.
            List<ReplicaFile> after = await ReplicaListing.ReadAsync(_store, CancellationToken.None);
            foreach (ReplicaFile image in after.ExceptBy(before.Select(file => (file.Level, file.Name)), file => (file.Level, file.Name)))
            {
                _images[image.Name.MaxTxid] = _application.CommittedImage;
            }

            return;
        }

        Assert.True(_forgotten || known >= _images.Keys.DefaultIfEmpty().Max(), $"It knows transactions up to {known} only.");
        _forgotten = false;
        _images.Keys.Where(txid => txid > known).ToList().ForEach(txid => _images.Remove(txid));
        RememberIfNew();
        _ours.Capture();
        Remember();
    }

    // Nothing else runs: what is captured is exactly what is committed now, also when there was nothing new to capture.
    private void Remember()
    {
        string committed = _application.CommittedImage;
        if (!_images.TryAdd(_ours.CapturedTxid, committed))
        {
            Assert.True(_images[_ours.CapturedTxid] == committed, $"Transaction {_ours.CapturedTxid} was taken for the end, and there is more.");
        }
    }

    private void RememberIfNew()
    {
        if (_ours.IsRunning && !_images.ContainsKey(_ours.CapturedTxid))
        {
            Remember();
        }
    }

    private void PutBackupBack()
    {
        _application.Close();
        if (File.Exists(Backup))
        {
            File.Copy(Backup, Database, overwrite: true);
        }
        else
        {
            File.Copy(Database, Backup);
        }
    }

    private async Task EndAsync()
    {
        _store.Fail(0, 0);
        if (!_ours.IsRunning)
        {
            await StartAsync();
        }

        _ours.Capture();
        Remember();
        await _ours.UploadAsync(int.MaxValue);
        ulong head = _ours.CapturedTxid;
        await CheckAsync(new Random(0), points: 20);
        Assert.Equal(_application.CommittedImage, await RestoreAsync(head));
        await _ours.MaintainAsync();
        await CheckAsync(new Random(1), points: 5);
        Assert.Equal(_application.CommittedImage, await RestoreAsync(head));
        _ours.Stop();
    }

    // Every instant that the replica says it can give is the image that was committed then.
    private async Task CheckAsync(Random random, int points)
    {
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(_store, CancellationToken.None);
        IReadOnlyList<RestorePoint> all = RestorePoints.Of(Replica, files).All;
        RestorePoint[] chosen = [.. all];
        random.Shuffle(chosen);
        foreach (RestorePoint point in chosen.Take(points))
        {
            Assert.True(_images[point.Txid] == await RestoreAsync(point.Txid), string.Create(
                CultureInfo.InvariantCulture,
                $"Transaction {point.Txid} is not what was committed. The replica holds:\n{string.Join('\n', files.Select(file => $"{file.Level}/{file.Name}"))}"));
        }
    }

    private async Task<string> RestoreAsync(ulong txid)
    {
        string copy = Path.Combine(_folder, "copy.db");
        await DatabaseRestorer.RestoreAsync(
            new RestoreOptions
            {
                Source = ReplicaLocation.Parse(Replica),
                OutputPath = copy,
                TargetTxid = txid,
                SeedLocalState = false,
                IntegrityCheck = IntegrityCheck.None,
            },
            progress: null,
            CancellationToken.None);
        byte[] image = await File.ReadAllBytesAsync(copy);
        File.Delete(copy);
        return Convert.ToHexString(SHA256.HashData(image));
    }
}
