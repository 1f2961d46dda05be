using System.Text.Json;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

public sealed class ReplicaLocationTests
{
    private static string Here => Environment.CurrentDirectory;

    [Theory]
    [InlineData("replica", "{here}/replica")]
    [InlineData("./a/../b/", "{here}/b")]
    [InlineData("/var/backups/app", "/var/backups/app")]
    [InlineData("/with space/ and ünïcödé 数据", "/with space/ and ünïcödé 数据")]
    [InlineData("/100%/c#/what?", "/100%/c#/what?")]
    [InlineData("/a:b/c", "/a:b/c")]
    [InlineData("file:///var/backups/app", "/var/backups/app")]
    [InlineData("FILE://localhost/var/app", "/var/app")]
    [InlineData("file:///with%20space/%C3%BCn%C3%AFcode/50%25", "/with space/ünïcode/50%")]
    [InlineData("file:///plain space/ü", "/plain space/ü")]
    [InlineData("file:///a%3Fb%23c", "/a?b#c")]
    public async Task A_folder_is_opened_by_its_full_path(string text, string expected)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using IReplicaStore store = ReplicaLocation.Parse(text).Open();
        Assert.Equal(expected.Replace("{here}", Here, StringComparison.Ordinal), store.Location);
    }

    [Theory]
    [InlineData(@"C:\data\replica", @"C:\data\replica")]
    [InlineData(@"\\server\share\replica", @"\\server\share\replica")]
    [InlineData(@"\\?\C:\data\replica", @"C:\data\replica")]
    [InlineData(@"\\?\UNC\server\share\replica", @"\\server\share\replica")]
    [InlineData("file:///C:/data/with%20space", @"C:\data\with space")]
    [InlineData("file://server/share/replica", @"\\server\share\replica")]
    public async Task A_path_of_Windows_is_opened_there_and_refused_elsewhere(string text, string expected)
    {
        if (OperatingSystem.IsWindows())
        {
            await using IReplicaStore store = ReplicaLocation.Parse(text).Open();
            Assert.Equal(expected, store.Location);
        }
        else if (text.StartsWith("file:///", StringComparison.Ordinal))
        {
            await using IReplicaStore store = ReplicaLocation.Parse(text).Open();
            Assert.Equal("/C:/data/with space", store.Location);
        }
        else
        {
            Assert.Throws<ReplicaLocationException>(() => ReplicaLocation.Parse(text).Open());
        }
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("   ", "empty")]
    [InlineData("a\0b", "NUL")]
    [InlineData("file:///a%00b", "NUL")]
    [InlineData("SFTP://user:secret@host/db", "not supported yet")]
    [InlineData("gopher://secret/", "not a kind of replica")]
    [InlineData("file:/var/x", "whole file URL")]
    [InlineData("file:", "whole file URL")]
    [InlineData("file://", "names no folder")]
    [InlineData("file://var", "names no folder")]
    [InlineData("file:///a?b", "%3F")]
    [InlineData("file:///a#b", "%23")]
    [InlineData("file:///50%", "%25")]
    [InlineData("file:///a%zz", "%25")]
    [InlineData("file:///a%+1", "%25")]
    [InlineData("file:///a%FF", "UTF-8")]
    public void Text_that_cannot_be_a_place_is_refused_with_a_reason_and_without_secrets(string text, string reason)
    {
        ReplicaLocationException error = Assert.Throws<ReplicaLocationException>(() => ReplicaLocation.Parse(text).Open());
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message + error.Replica, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_ways_of_writing_one_place_are_equal_and_it_survives_being_sent_as_json()
    {
        ReplicaLocation path = ReplicaLocation.Parse("/var/backups/app/");
        Assert.Equal(path, ReplicaLocation.Parse("file:///var/backups/app"));
        Assert.Equal(path, JsonSerializer.Deserialize<ReplicaLocation>(JsonSerializer.Serialize(path)));
    }

    [Fact]
    public void An_existing_file_is_refused_as_a_folder()
    {
        using TemporaryFolder temporary = new();
        string path = temporary["app.db"];
        File.WriteAllText(path, "precious");
        ReplicaLocationException error = Assert.Throws<ReplicaLocationException>(() => ReplicaLocation.Parse(path).Open());
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }
}
