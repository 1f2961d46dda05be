using Litestream.Ltx;

namespace Litestream.Storage;

/// <summary>
/// Where a replica lives. A file in it appears whole or not at all, under its final name, and is durable when
/// <see cref="PutAsync"/> returns. Failures are <see cref="LitestreamException"/>s: <see cref="ReplicaUnreachableException"/>
/// (worth a retry), <see cref="ReplicaAccessDeniedException"/>, <see cref="ReplicaFileNotFoundException"/>.
/// </summary>
public interface IReplicaStore : IAsyncDisposable
{
    /// <summary>The place as a person would write it, without any secret.</summary>
    string Location { get; }

    /// <summary>Files that may be on their way to it side by side.</summary>
    int Concurrency { get; }

    /// <summary>
    /// Lists the files of one level in ascending order of (first, last) transaction id. A level or replica that does not exist
    /// is empty. Foreign files are passed over.
    /// </summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    IAsyncEnumerable<ReplicaFile> ListAsync(int level, CancellationToken cancellationToken);

    /// <summary>
    /// Lists as <see cref="ListAsync"/> does, with as few requests as the store can: a file's time may be that at which it was stored.
    /// </summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    IAsyncEnumerable<ReplicaFile> ListRoughlyAsync(int level, CancellationToken cancellationToken) => ListAsync(level, cancellationToken);

    /// <summary>The time in the header of a file that was listed roughly.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="ReplicaFileNotFoundException">The file is not there any more.</exception>
    Task<DateTimeOffset> TimeOfAsync(ReplicaFile file, CancellationToken cancellationToken) => Task.FromResult(file.Timestamp);

    /// <summary>Opens a file, or a range of it, for sequential reading.</summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="name">Which file.</param>
    /// <param name="offset">First byte, 0 or more. At or past the end: an empty stream.</param>
    /// <param name="length">How many bytes at most; null for all to the end.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="ReplicaFileNotFoundException">The file is not (or no longer) there.</exception>
    Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a file. On return it is visible under its name and durable; if <paramref name="write"/> or the store fails,
    /// nothing is visible. An existing file of that name is replaced at once.
    /// </summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="name">Which file.</param>
    /// <param name="timestamp">The time in its header; a listing gives it back.</param>
    /// <param name="length">Length in bytes if known beforehand, so that small files need one request.</param>
    /// <param name="write">Writes the content to the stream it is given; does not close it.</param>
    /// <param name="cancellationToken">Ends the transfer.</param>
    Task PutAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        CancellationToken cancellationToken) => PutInTurnAsync(level, name, timestamp, length, write, Task.CompletedTask, cancellationToken);

    /// <summary>
    /// Writes a file as <see cref="PutAsync"/> does, but makes it visible when its turn has come and not before. All but that last step is done
    /// meanwhile.
    /// </summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="name">Which file.</param>
    /// <param name="timestamp">The time in its header; a listing gives it back.</param>
    /// <param name="length">Length in bytes if known beforehand, so that small files need one request.</param>
    /// <param name="write">Writes the content to the stream it is given; does not close it.</param>
    /// <param name="turn">Completes when the turn has come. If it fails, or the write is cancelled before it completes, nothing is visible.</param>
    /// <param name="cancellationToken">Ends the transfer.</param>
    Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken);

    /// <summary>
    /// Copies a file to another level under the same name, on the server where the store can do that. Visible and durable on
    /// return as after <see cref="PutAsync"/>.
    /// </summary>
    /// <param name="fromLevel">0 to 9.</param>
    /// <param name="toLevel">0 to 9, another one.</param>
    /// <param name="name">Which file.</param>
    /// <param name="timestamp">The time in its header; a listing gives it back.</param>
    /// <param name="cancellationToken">Ends the transfer.</param>
    /// <exception cref="ReplicaFileNotFoundException">The file is not (or no longer) there.</exception>
    Task CopyAsync(int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken);

    /// <summary>Deletes a file; no error if it is not there.</summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="name">Which file.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the right to write to this replica until the returned lease is disposed, the process ends, however it ends, or the
    /// lease says that it is lost.
    /// Also removes what a crashed writer left behind (its temporary files).
    /// </summary>
    /// <param name="owner">Who takes it.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="ReplicaInUseException">Another replicator holds it; the message names it.</exception>
    Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken);
}
