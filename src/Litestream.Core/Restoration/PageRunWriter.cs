using Litestream.Ltx;
using Litestream.State;

namespace Litestream.Restoration;

/// <summary>Writes decompressed pages to the file that becomes the database, several runs at once: no page is in two of them.</summary>
/// <param name="file">Where they go.</param>
/// <param name="seed">Told of every page, or null.</param>
internal sealed class PageRunWriter(RestoringFile file, LocalStateSeed? seed)
{
    /// <summary>Whether the checksums of the pages are needed.</summary>
    internal bool NeedsChecksums => seed is not null;

    /// <summary>Writes neighbouring pages at once. Pages of zeros are left out: the file is made of zeros.</summary>
    /// <param name="run">The pages.</param>
    /// <exception cref="RestoreTargetUnusableException">The disk did not take it.</exception>
    internal void Write(LtxPageRun run)
    {
        int start = 0;
        for (int i = 0; i < run.Count; i++)
        {
            if (!run.Pages(i, 1).ContainsAnyExcept((byte)0))
            {
                Write(run, start, i);
                start = i + 1;
            }
            else if (i > start && run.Number(i) != run.Number(i - 1) + 1)
            {
                Write(run, start, i);
                start = i;
            }
        }

        Write(run, start, run.Count);
    }

    /// <summary>Tells the local state. One run at a time.</summary>
    /// <param name="run">The pages.</param>
    /// <exception cref="LocalStateException">The disk did not take it.</exception>
    internal void Note(LtxPageRun run)
    {
        for (int i = 0; seed is not null && i < run.Count; i++)
        {
            seed.Note(run.Number(i), run.Checksum(i));
        }
    }

    private void Write(LtxPageRun run, int start, int end)
    {
        if (end > start)
        {
            file.Write((run.Number(start) - 1L) * run.PageSize, run.Pages(start, end - start));
        }
    }
}
