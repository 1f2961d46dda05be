using Litestream.Ltx;

namespace Litestream.State;

/// <summary>
/// Where things are in the folder <c>.&lt;database file name&gt;-litestream</c> beside a database: the files that wait for the
/// replica (<c>ltx/0</c>, as Litestream has them), the page checksum table, and the head record.
/// </summary>
/// <param name="databasePath">Full path of the database.</param>
internal sealed class LocalStateFolder(string databasePath)
{
    private const string PartMark = ".part";

    /// <summary>Full path of the database.</summary>
    public string DatabasePath { get; } = databasePath;

    /// <summary>Full path of the folder.</summary>
    public string Path { get; } = System.IO.Path.Combine(
        System.IO.Path.GetDirectoryName(databasePath) ?? ".", $".{System.IO.Path.GetFileName(databasePath)}-litestream");

    /// <summary>Folder of the captured files that wait.</summary>
    public string StagingPath => System.IO.Path.Combine(Path, "ltx", "0");

    /// <summary>The page checksum table.</summary>
    public string TablePath => System.IO.Path.Combine(Path, "checksums");

    /// <summary>The table of a replica whose lineage is not proven yet. A leftover goes with the other temporary files.</summary>
    public string AdoptionPath => TablePath + ".adoption.tmp";

    /// <summary>The head record.</summary>
    public string HeadPath => System.IO.Path.Combine(Path, "head");

    /// <summary>Path of a captured file that waits.</summary>
    /// <param name="name">Its name.</param>
    public string StagedPath(LtxFileName name) => System.IO.Path.Combine(StagingPath, name.ToString());

    /// <summary>Path of a part of a transaction that is not complete yet.</summary>
    /// <param name="name">The transaction.</param>
    /// <param name="index">Which part, from 0.</param>
    public string PartPath(LtxFileName name, int index) =>
        StagedPath(name) + PartMark + index.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Makes the folders.</summary>
    public void Create() => Guard("made", () => Storage.DurableFile.CreateDirectory(StagingPath));

    /// <summary>The captured files that wait, in order. Foreign files are passed over.</summary>
    public List<LtxFileName> ListStaged()
    {
        List<LtxFileName> names = [];
        Guard("read", () =>
        {
            if (Directory.Exists(StagingPath))
            {
                foreach (string path in Directory.EnumerateFiles(StagingPath))
                {
                    if (LtxFileName.TryParse(System.IO.Path.GetFileName(path), out LtxFileName name))
                    {
                        names.Add(name);
                    }
                }
            }
        });
        names.Sort();
        return names;
    }

    /// <summary>The parts of transactions that are not complete yet, in no order.</summary>
    public List<(LtxFileName Name, string Path)> ListParts()
    {
        List<(LtxFileName, string)> parts = [];
        Guard("read", () =>
        {
            foreach (string path in Directory.Exists(StagingPath) ? Directory.EnumerateFiles(StagingPath, "*" + PartMark + "*") : [])
            {
                string file = System.IO.Path.GetFileName(path);
                if (LtxFileName.TryParse(file[..file.IndexOf(PartMark, StringComparison.Ordinal)], out LtxFileName name))
                {
                    parts.Add((name, path));
                }
            }
        });
        return parts;
    }

    /// <summary>Deletes all parts of a transaction, part 0 first, without which the others are nothing.</summary>
    /// <param name="name">The transaction; null for those of all.</param>
    public void DeleteParts(LtxFileName? name) => Guard("cleaned", () =>
    {
        foreach ((LtxFileName of, string path) in ListParts().OrderBy(part => part.Path, StringComparer.Ordinal))
        {
            if (name is null || of == name)
            {
                File.Delete(path);
            }
        }
    });

    /// <summary>Removes what a crash left half written.</summary>
    public void DeleteTemporaries() => Guard("cleaned", () =>
    {
        foreach (string folder in (string[])[Path, StagingPath])
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*.tmp"))
            {
                File.Delete(path);
            }
        }
    });

    /// <summary>Turns an I/O failure in this folder into the error that names it.</summary>
    /// <param name="verb">What could not be done, as in "written".</param>
    /// <param name="action">The work.</param>
    /// <exception cref="LocalStateException">It failed.</exception>
    public void Guard(string verb, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(verb, e);
        }
    }

    /// <summary>The error for an I/O failure in this folder.</summary>
    /// <param name="verb">What could not be done, as in "written".</param>
    /// <param name="cause">What the system said.</param>
    public LocalStateException Failure(string verb, Exception cause) => new(
        $"The local state of '{DatabasePath}' in '{Path}' could not be {verb}: {cause.Message} Nothing in the replica was harmed, and what was committed stays in the WAL meanwhile. Make room or give this user access; it is tried again.",
        cause)
    { Database = DatabasePath, File = Path };
}
