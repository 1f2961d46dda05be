using System.Text.Json;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>Where a follower's copy stands, kept beside it. See <see cref="Follower"/> for how it and the copy fit after a crash.</summary>
/// <param name="State">Where the copy stood.</param>
/// <param name="ChangeCounter">The copy's change counter then.</param>
/// <param name="Applying">Where the step leads that was begun; null for none.</param>
internal sealed record FollowPosition(FollowedState State, uint ChangeCounter, FollowedState? Applying)
{
    private const string Suffix = "-follow";
    private const int MaxBytes = 4096;

    /// <summary>Nothing is known of the copy.</summary>
    public static FollowPosition Unknown { get; } = new(FollowedState.Unknown, 0, null);

    /// <summary>The file of a copy.</summary>
    /// <param name="database">Full path of the copy.</param>
    public static string PathOf(string database) => database + Suffix;

    /// <summary>Reads it; null if there is none. One that makes no sense is <see cref="Unknown"/>: every page is compared then.</summary>
    /// <param name="database">Full path of the copy.</param>
    public static FollowPosition? Read(string database)
    {
        FileInfo file = new(PathOf(database));
        if (!file.Exists)
        {
            return null;
        }

        try
        {
            return file.Length > MaxBytes || JsonSerializer.Deserialize<FollowPosition>(File.ReadAllBytes(file.FullName)) is not { State: not null } position
                ? Unknown
                : position;
        }
        catch (JsonException)
        {
            return Unknown;
        }
    }

    /// <summary>Where a copy stands, by its change counter.</summary>
    /// <param name="database">Full path of the copy.</param>
    /// <param name="counter">Its change counter now.</param>
    public static FollowedState StateOf(string database, uint counter)
    {
        FollowPosition position = Read(database) ?? Unknown;
        return counter == position.ChangeCounter ? position.State
            : position.Applying is { } applied && counter == position.ChangeCounter + 1 ? applied
            : FollowedState.Unknown;
    }

    /// <summary>Writes it, durably.</summary>
    /// <param name="database">Full path of the copy.</param>
    public void Write(string database) => DurableFile.WriteAllBytes(PathOf(database), JsonSerializer.SerializeToUtf8Bytes(this));

    /// <summary>Deletes it: the database is about to be replaced by one that is no follower's copy.</summary>
    /// <param name="database">Full path of the copy.</param>
    /// <exception cref="RestoreTargetUnusableException">It cannot be deleted.</exception>
    public static void Forget(string database)
    {
        try
        {
            File.Delete(PathOf(database));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RestoreTargetUnusableException(
                $"'{PathOf(database)}', which says where a follower's copy stands, could not be deleted: {e.Message} The database that was there still is. Delete it yourself, then restore again.", e)
            { File = PathOf(database) };
        }
    }
}
