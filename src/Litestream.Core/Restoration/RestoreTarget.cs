using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>The place that a restored database takes.</summary>
/// <remarks>
/// <para>
/// What must never be: a target that is neither the old nor the new database; the new database beside a <c>-wal</c> or
/// <c>-journal</c> of the old one, which SQLite would apply to it; an old database gone that somebody still writes to.
/// </para>
/// <para>
/// The new file is complete, checked and flushed under its temporary name before any of this begins.
/// No target: no <c>-wal</c> or <c>-journal</c> stands there either (else it is refused, or with Force they are deleted and
/// the folder flushed first). The file is moved without replacing, so a target made meanwhile is kept. A crash leaves no
/// target or the whole one.
/// </para>
/// <para>
/// Old target, with Force:
/// (1) SQLite folds its WAL into it and deletes the <c>-wal</c> by leaving WAL mode, which it can do only as the only
/// connection anywhere; a hot journal is played back by the same opening. A crash here leaves the old database, whole.
/// (2) BEGIN EXCLUSIVE keeps everybody out while the name changes hands. Idle connections in rollback mode hold no lock:
/// on Linux the processes that have the file open are looked up.
/// (3) Whatever journal still stands there is deleted, and the folder flushed: after a crash no deleted <c>-wal</c> may come
/// back beside the new file. (4) The local state's seed is put in place. A crash after it leaves the old database with a
/// state that its next start compares with it page by page. (5) The rename, at once for everybody; the folder is flushed.
/// (6) The lock goes with the old file. Who waited for it opened the old file, which has no name any more: SQLite notices
/// that when it begins to write (SQLITE_READONLY_DBMOVED).
/// Windows cannot rename over an open file: there the lock is let go just before (5), and who opens the old database in
/// between makes the rename fail, which leaves it as it was.
/// A failure before (5) puts the old database back into WAL mode.
/// </para>
/// </remarks>
internal sealed class RestoreTarget
{
    private static readonly string[] Journals = ["-wal", "-journal"];

    private readonly bool _force;

    private RestoreTarget(string path, bool force)
    {
        Path = path;
        _force = force;
    }

    /// <summary>Full path, links resolved.</summary>
    internal string Path { get; }

    /// <summary>Looks whether a database may be put there, before anything is read from the replica.</summary>
    /// <param name="outputPath">Path as given.</param>
    /// <param name="force">Replace what is there.</param>
    /// <exception cref="RestoreTargetExistsException">Something is there.</exception>
    /// <exception cref="RestoreTargetInUseException">What is there is open in another process.</exception>
    /// <exception cref="RestoreTargetUnusableException">It is a folder, or its folder is missing.</exception>
    internal static RestoreTarget Check(string outputPath, bool force)
    {
        string path = Resolve(outputPath);
        if (Directory.Exists(path) || System.IO.Path.GetFileName(path).Length == 0)
        {
            throw new RestoreTargetUnusableException(
                $"'{path}' is a folder, so no database can be restored to it. Nothing was changed. Name the database file itself.")
            { File = path };
        }

        string folder = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
        {
            throw new RestoreTargetUnusableException(
                $"The folder '{folder}' to restore '{path}' to is not there. Nothing was changed. Make it, or mount its disk, first.")
            { File = path };
        }

        var target = new RestoreTarget(path, force);
        target.RequireFreeOrForce();
        return File.Exists(path) && OpenDatabaseScan.FindOther(path) is { } other ? throw ReplacedDatabase.InUse(path, other) : target;
    }

    /// <summary>Gives the restored file its name, see above.</summary>
    /// <param name="file">Complete, checked and flushed.</param>
    /// <param name="beforeRename">Done when nothing but the rename is left.</param>
    /// <exception cref="LitestreamException">What was there is as it was.</exception>
    internal void Place(RestoringFile file, Action beforeRename)
    {
        RequireFreeOrForce();
        bool replace = File.Exists(Path);
        // An empty file has nothing to fold. Locked, SQLite begins a database in it, with a journal that Windows lets nobody delete meanwhile;
        // there the rename fails by itself while somebody has the file open.
        bool nothing = OperatingSystem.IsWindows() && replace && new FileInfo(Path).Length == 0;
        using ReplacedDatabase? old = replace && !nothing ? ReplacedDatabase.Take(Path) : null;
        try
        {
            DeleteJournals();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }

        beforeRename();
        if (OperatingSystem.IsWindows())
        {
            old?.Forget();
            old?.Dispose();
        }

        try
        {
            file.Place(replace);
        }
        catch (IOException e) when (!replace && File.Exists(Path))
        {
            throw Exists(Path, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }

        old?.Forget();
        if (file.IsDurable)
        {
            FlushFolder();
        }
    }

    private static string Resolve(string outputPath)
    {
        try
        {
            string path = FullPath.Of(outputPath);
            var link = new FileInfo(path);
            return link.LinkTarget is null ? path : link.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException or UnauthorizedAccessException)
        {
            throw new RestoreTargetUnusableException(
                $"'{outputPath}' cannot be the path of a database: {e.Message} Nothing was changed. Name another path.", e)
            { File = outputPath };
        }
    }

    private void FlushFolder()
    {
        try
        {
            DurableFile.FlushDirectory(System.IO.Path.GetDirectoryName(Path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RestoreTargetUnusableException(
                $"'{Path}' is restored and whole, but the disk did not confirm its name: {e.Message} After a power failure the file that "
                + "stood there before could come back. Check the disk, then restore again.",
                e)
            { File = Path };
        }
    }

    private void RequireFreeOrForce()
    {
        if (_force)
        {
            return;
        }

        if (File.Exists(Path))
        {
            throw Exists(Path, null);
        }

        foreach (string journal in Journals)
        {
            if (File.Exists(Path + journal))
            {
                throw Exists(Path + journal, null);
            }
        }
    }

    private void DeleteJournals()
    {
        bool any = false;
        foreach (string suffix in (string[])[.. Journals, "-shm"])
        {
            if (File.Exists(Path + suffix))
            {
                File.Delete(Path + suffix);
                any = true;
            }
        }

        // Also when SQLite has deleted them.
        if (any || File.Exists(Path))
        {
            DurableFile.FlushDirectory(System.IO.Path.GetDirectoryName(Path)!);
        }
    }

    private RestoreTargetExistsException Exists(string found, Exception? cause)
    {
        string what = found == Path
            ? $"'{Path}' exists already"
            : $"'{found}' stands beside the place of '{Path}': SQLite would take it for part of the restored database";
        return new RestoreTargetExistsException(
            $"{what}. Nothing was changed. Restore to another path, or with -Force, which replaces the database once the restored one is "
            + "whole and verified.",
            cause)
        { Database = Path, File = found };
    }

    private RestoreTargetUnusableException Unusable(Exception cause) => new(
        $"The restored database could not take the name '{Path}': {cause.Message} What stood there before still does, with all that was "
        + "committed to it, and the restored file was removed. Close programs that have it open, check the rights to its folder, then restore again.",
        cause)
    { File = Path };
}
