using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Replication;

/// <summary>Writes captured files into the local state folder: under a temporary name, then renamed. Used by one thread.</summary>
/// <param name="folder">The folder.</param>
internal sealed class StagedFileWriter(LocalStateFolder folder)
{
    private readonly StagingFileOutput _output = new();

    /// <summary>Writes a file.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="header">Its header.</param>
    /// <param name="writePages">Writes the pages.</param>
    /// <param name="flush">Whether it is made durable before it gets its name.</param>
    /// <exception cref="LocalStateException">The disk did not take it; nothing is left of it.</exception>
    public StagedFile Write(string path, in LtxHeader header, Action<LtxEncoder> writePages, bool flush = false)
    {
        string temporary = DurableFile.TemporaryName(path);
        try
        {
            StagedFile file;
            using (SafeFileHandle handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            {
                _output.Begin(handle);
                var encoder = new LtxEncoder(_output, header);
                writePages(encoder);
                LtxTrailer trailer = encoder.Finish();
                _output.End();
                if (flush)
                {
                    DurableFile.Flush(handle, temporary);
                }

                file = new StagedFile(new LtxFileName(header.MinTxid, header.MaxTxid), encoder.Length, header.Time, trailer.FileChecksum);
            }

            DurableFile.Rename(temporary, path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DurableFile.TryDelete(temporary);
            throw folder.Failure("written", e);
        }
        catch
        {
            DurableFile.TryDelete(temporary);
            throw;
        }
    }
}
