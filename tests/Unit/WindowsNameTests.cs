namespace Litestream.Tests.Unit;

/// <summary>Which paths Windows takes for others. Text alone: it is the same on every system.</summary>
public sealed class WindowsNameTests
{
    [Theory]
    [InlineData(@"C:\data\app.db.", "ends in a dot or a space, 'app.db.'")]
    [InlineData(@"C:\data\app.db ", "ends in a dot or a space, 'app.db '")]
    [InlineData(@"C:\data.\app.db", "ends in a dot or a space, 'data.'")]
    [InlineData(@"C:\data \app.db", "ends in a dot or a space, 'data '")]
    [InlineData(@"C:\data\...\app.db", "ends in a dot or a space, '...'")]
    [InlineData(@"\\?\C:\data\app.db.", "ends in a dot or a space, 'app.db.'")]
    [InlineData("data./", "ends in a dot or a space, 'data.'")]
    [InlineData("CON", "the name 'CON', which means a device")]
    [InlineData("nul.db", "the name 'nul.db', which means a device")]
    [InlineData("nul .x.db", "the name 'nul .x.db', which means a device")]
    [InlineData("C:/data/Aux/app.db", "the name 'Aux', which means a device")]
    [InlineData(@"\\server\share\COM1", "the name 'COM1', which means a device")]
    [InlineData(@"C:\data\lpt².txt", "the name 'lpt².txt', which means a device")]
    [InlineData(@"C:\conin$", "the name 'conin$', which means a device")]
    [InlineData(@"\\.\C:\app.db", "names a device")]
    [InlineData("//./COM1", "names a device")]
    [InlineData(@"\??\C:\app.db", "names a device")]
    [InlineData(@"C:\data\app.db:stream", "a stream within a file")]
    [InlineData("app:db", "a stream within a file")]
    public void What_Windows_takes_for_another_path_is_said(string path, string trap) =>
        Assert.Contains(trap, WindowsName.Trap(path), StringComparison.Ordinal);

    [Theory]
    [InlineData(@"C:\data\app.db")]
    [InlineData(@"C:data\app.db")]
    [InlineData("c:/data/./x/../app.db")]
    [InlineData(@"..\app.db")]
    [InlineData(@"\\server\share\.app.db-litestream")]
    [InlineData(@"\\?\C:\data\app.db")]
    [InlineData(@"\\?\UNC\server\share\app.db")]
    [InlineData(@"\\?\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\app.db")]
    [InlineData(@"C:\console\nulls.db\com0\com10\lpt\auxiliary")]
    [InlineData(@"C:\数据 ü\a. b.db")]
    public void Any_other_name_is_left_alone(string path) => Assert.Null(WindowsName.Trap(path));

    [Theory]
    [InlineData(@"\\?\C:\a\b", @"C:\a\b", @"\\?\C:\a\b")]
    [InlineData(@"\\?\UNC\server\share\b", @"\\server\share\b", @"\\?\UNC\server\share\b")]
    [InlineData(@"C:\a", @"C:\a", @"\\?\C:\a")]
    [InlineData(@"\\server\share\b", @"\\server\share\b", @"\\?\UNC\server\share\b")]
    [InlineData(@"\\?\Volume{4c1b}\b", @"\\?\Volume{4c1b}\b", @"\\?\Volume{4c1b}\b")]
    public void A_path_has_one_plain_and_one_extended_form(string path, string plain, string extended) =>
        Assert.Equal((plain, extended), (WindowsName.Plain(path), WindowsName.Extend(path)));
}
