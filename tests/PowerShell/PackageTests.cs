using System.IO.Compression;
using System.Management.Automation;
using System.Text.Json;
using System.Xml.Linq;

namespace Litestream.Tests.PowerShell;

/// <summary>The package that galleries take, as the build has made it of the module that the other tests use.</summary>
[Collection("engine")]
public sealed class PackageTests(PowerShellSession session)
{
    private const long MaxBytes = 25_000_000;

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "package");

    [Fact]
    public void Is_named_and_described_by_the_manifest_alone()
    {
        PSModuleInfo manifest = (PSModuleInfo)session.Run($"Test-ModuleManifest '{BuiltModule.Manifest}'").Single().BaseObject;
        string path = Assert.Single(Directory.GetFiles(Folder, "*.nupkg"));
        using ZipArchive package = ZipFile.OpenRead(path);
        using Stream stream = package.GetEntry("Litestream.nuspec")!.Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().First();
        string Of(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;

        Assert.Equal($"Litestream.{manifest.Version}.nupkg", Path.GetFileName(path));
        Assert.Equal("Litestream", Of("id"));
        Assert.Equal(manifest.Version.ToString(), Of("version"));
        Assert.Equal(manifest.Author, Of("authors"));
        Assert.Equal(manifest.Description, Of("description"));
        string[] expected = ["PSModule", .. manifest.Tags, .. manifest.ExportedCmdlets.Keys.SelectMany(name => new[] { $"PSCmdlet_{name}", $"PSCommand_{name}" })];
        Assert.Equal(expected.Order(), Of("tags").Split(' ').Order());
    }

    [Fact]
    public void Holds_the_module_and_nothing_else_and_is_small()
    {
        string path = Assert.Single(Directory.GetFiles(Folder, "*.nupkg"));
        Assert.InRange(new FileInfo(path).Length, 1, MaxBytes);
        using TemporaryFolder installed = new();
        ZipFile.ExtractToDirectory(path, installed.FullPath);
        string[] module = Files(BuiltModule.Folder);

        // What an installation leaves out: the parts of the package about itself.
        string[] own = [.. Files(installed.FullPath).Where(file => !file.StartsWith("_rels", StringComparison.Ordinal)
            && !file.StartsWith("package", StringComparison.Ordinal) && file is not ("[Content_Types].xml" or "Litestream.nuspec"))];
        Assert.Equal(module, own);
        Assert.All(module, file => Assert.Equal(File.ReadAllBytes(Path.Combine(BuiltModule.Folder, file)), File.ReadAllBytes(installed[file])));
        session.Run("Test-ModuleManifest $args[0]", installed["Litestream.psd1"]).ThrowIfFailed();
    }

    [Fact]
    public void Names_the_licence_of_everything_in_it()
    {
        string notices = File.ReadAllText(Path.Combine(BuiltModule.Folder, "THIRD-PARTY-NOTICES.txt"));
        using FileStream list = File.OpenRead(Path.Combine(BuiltModule.Folder, "dependencies", "Litestream.Core.deps.json"));
        using JsonDocument dependencies = JsonDocument.Parse(list);
        string[] others =
        [
            .. dependencies.RootElement.GetProperty("libraries").EnumerateObject()
                .Where(library => library.Value.GetProperty("type").GetString() == "package").Select(library => library.Name.Split('/')[0]),
        ];

        Assert.NotEmpty(others);
        // The parts of SQLitePCLRaw are one package's.
        Assert.All(
            others,
            name => Assert.Contains(name.StartsWith("SQLitePCLRaw.", StringComparison.Ordinal) ? "SQLitePCLRaw" : name, notices, StringComparison.OrdinalIgnoreCase));
    }

    private static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];
}
