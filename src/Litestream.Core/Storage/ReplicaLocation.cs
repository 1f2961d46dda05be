namespace Litestream.Storage;

/// <summary>Turns the text that a person writes for a replica's place into the store behind it.</summary>
public static class ReplicaLocation
{
    /// <summary>Opens a place. Nothing is read or written yet; the folder need not exist.</summary>
    /// <param name="location">A folder path (relative, UNC, with spaces or any letters) or a <c>file://</c> URL.</param>
    /// <exception cref="ReplicaLocationException">The text cannot be a place, or names a kind of store that is not known.</exception>
    public static IReplicaStore Open(string location) => throw new NotImplementedException(location);
}
