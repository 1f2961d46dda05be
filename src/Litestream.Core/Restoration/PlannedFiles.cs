using System.Globalization;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>
/// Opens the files of a plan from the newest to the oldest. Small ones are opened ahead, so that nobody waits for a request that could have been
/// made before; large ones when it is their turn, so that memory does not depend on the plan.
/// </summary>
/// <param name="store">The replica.</param>
/// <param name="files">The plan's files, oldest first.</param>
internal sealed class PlannedFiles(IReplicaStore store, IReadOnlyList<ReplicaFile> files) : IAsyncDisposable
{
    private const int Ahead = 8;
    private const int SmallFile = 256 * 1024;

    private readonly Queue<Task<LtxScanner>> _opening = new();
    private readonly CancellationTokenSource _end = new();
    private int _next = files.Count - 1; // to be opened

    /// <summary>Whether all have been given.</summary>
    internal bool AtEnd => _opening.Count == 0 && _next < 0;

    /// <summary>How a replica file is named in errors: folder and name.</summary>
    internal static string Label(ReplicaFile file) => string.Create(CultureInfo.InvariantCulture, $"{file.Level}/{file.Name}");

    /// <summary>Gives the next file; the caller disposes it.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="ReplicaFileNotFoundException">It is gone since it was listed.</exception>
    /// <exception cref="LtxFormatException">It is not what its name says.</exception>
    internal async Task<LtxScanner> NextAsync(CancellationToken cancellationToken)
    {
        if (_opening.Count == 0)
        {
            OpenNext();
        }

        while (_next >= 0 && _opening.Count < Ahead && files[_next].Size <= SmallFile)
        {
            OpenNext();
        }

        LtxScanner scanner = await _opening.Peek().WaitAsync(cancellationToken).ConfigureAwait(false);
        _ = _opening.Dequeue();
        return scanner;
    }

    /// <summary>Closes what was opened ahead.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        foreach (Task<LtxScanner> opening in _opening)
        {
            await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (opening.IsCompletedSuccessfully)
            {
                await opening.Result.DisposeAsync().ConfigureAwait(false);
            }
        }

        _end.Dispose();
    }

    private void OpenNext() => _opening.Enqueue(OpenAsync(files[_next--]));

    private async Task<LtxScanner> OpenAsync(ReplicaFile file)
    {
        string label = Label(file);
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, _end.Token).ConfigureAwait(false);
        int buffer = (int)Math.Min(file.Size, LtxDecoder.DefaultBufferSize);
        LtxScanner scanner = await LtxScanner.OpenAsync(stream, label, buffer, _end.Token).ConfigureAwait(false);
        if (scanner.Header.MinTxid == file.Name.MinTxid && scanner.Header.MaxTxid == file.Name.MaxTxid)
        {
            return scanner;
        }

        await scanner.DisposeAsync().ConfigureAwait(false);
        throw new LtxFormatException(label, 0x10, "it holds other transactions than its name says");
    }
}
