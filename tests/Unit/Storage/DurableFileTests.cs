using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_small_file_is_replaced_whole_and_leaves_no_temporary_file()
    {
        string path = _temporary["state.json"];
        DurableFile.WriteAllBytes(path, "the first, longer content"u8);
        DurableFile.WriteAllBytes(path, "the second"u8);
        Assert.Equal("the second", File.ReadAllText(path));
        Assert.Equal([path], Directory.EnumerateFiles(_temporary.FullPath));
    }

    [Fact]
    public void A_small_file_that_cannot_take_its_name_leaves_no_temporary_file()
    {
        string path = _temporary["state.json"];
        Directory.CreateDirectory(Path.Combine(path, "not empty"));
        Assert.ThrowsAny<Exception>(() => DurableFile.WriteAllBytes(path, "content"u8));
        Assert.Empty(Directory.EnumerateFiles(_temporary.FullPath));
    }

    [Fact]
    public void Directories_are_made_with_those_above_them()
    {
        string path = _temporary["a", "b", "c"];
        DurableFile.CreateDirectory(path + Path.DirectorySeparatorChar);
        DurableFile.CreateDirectory(path);
        Assert.True(Directory.Exists(path));
    }

    [Fact]
    public void A_directory_is_not_made_where_the_one_above_is_missing()
    {
        Assert.Throws<DirectoryNotFoundException>(() => DurableFile.CreateDirectoryInExisting(_temporary["a", "b"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_temporary.FullPath));
        DurableFile.CreateDirectoryInExisting(_temporary["a"]);
        DurableFile.CreateDirectoryInExisting(_temporary["a"]);
    }

    [Fact]
    public void Temporary_files_of_a_file_are_those_of_its_name_alone()
    {
        string path = _temporary["a[1].db"];
        foreach (string name in (string[])["a[1].db.7.tmp", "a[1].db.x.tmp", "a[1].db..tmp", "a[1].db.7.tmp2", "a[1].dbx.7.tmp", "a1.db.7.tmp", "a[1].db"])
        {
            File.WriteAllText(_temporary[name], "");
        }

        File.WriteAllText(DurableFile.TemporaryName(path), "");

        Assert.Equal(((string[])[_temporary["a[1].db.7.tmp"], DurableFile.TemporaryName(path)]).Order(), DurableFile.TemporariesOf(path).Order());
    }

    [Fact]
    public void Flushing_a_directory_that_is_gone_names_it()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        DirectoryNotFoundException error = Assert.Throws<DirectoryNotFoundException>(() => DurableFile.FlushDirectory(_temporary["gone"]));
        Assert.Contains(_temporary["gone"], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Flushing_what_cannot_be_flushed_names_it()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // A pipe has no disk behind it: fsync answers EINVAL.
        using System.IO.Pipes.AnonymousPipeServerStream pipe = new();
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = new(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        IOException error = Assert.Throws<IOException>(() => DurableFile.Flush(handle, "the pipe"));
        Assert.Contains("'the pipe'", error.Message, StringComparison.Ordinal);
    }
}
