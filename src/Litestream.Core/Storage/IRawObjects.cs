namespace Litestream.Storage;

/// <summary>
/// The files below a replica's place by their plain names, for reading. A store that has it can hold replicas that Litestream 0.3 wrote.
/// Failures are those of <see cref="IReplicaStore"/>.
/// </summary>
internal interface IRawObjects
{
    /// <summary>Lists the files below a folder, at most two folders deep, in no order. A folder that does not exist is empty.</summary>
    /// <param name="folder">Name of a folder at the place, without a slash.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    Task<IReadOnlyList<RawObject>> ListRawAsync(string folder, CancellationToken cancellationToken);

    /// <summary>Opens a file for reading front to back.</summary>
    /// <param name="name">As it was listed.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="ReplicaFileNotFoundException">The file is not (or no longer) there.</exception>
    Task<Stream> OpenRawAsync(string name, CancellationToken cancellationToken);
}
