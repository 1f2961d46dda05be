using System.Text.RegularExpressions;

namespace Litestream.Tests.Unit;

/// <summary>The rooms of Core and who may use whom, read from the compiled assembly; and how large and how public a file may be.</summary>
public sealed partial class ArchitectureTests
{
    private const string Root = "Litestream";
    private const int MaxLines = 500;
    private const string AdoptingFile = "StartProof.cs";

    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Sqlite"] = [],
        ["Ltx"] = [],
        ["Storage"] = ["Ltx"],
        ["State"] = ["Ltx", "Storage"],
        ["Diagnostics"] = ["Ltx", "Storage"],
        ["Replication"] = ["Sqlite", "Ltx", "Storage", "State", "Maintenance", "Diagnostics"],
        ["Maintenance"] = ["Ltx", "Storage"],
        ["Legacy"] = ["Sqlite", "Storage"],
        ["Restoration"] = ["Sqlite", "Ltx", "Storage", "State", "Legacy"],
        ["Configuration"] = ["Storage", "Maintenance", "Replication"],
        ["Verification"] = ["Sqlite", "Ltx", "Storage", "State", "Replication", "Maintenance", "Legacy", "Restoration"],
    };

    [Fact]
    public void Rooms_use_only_the_rooms_that_they_may()
    {
        RoomUse[] uses = [.. RoomUse.In(typeof(LitestreamException).Assembly, Root)];

        // What is known to be there: seen in a signature, and seen in the body of a method alone.
        Assert.Contains(uses, use => use is { From: "Storage", To: "Ltx", Member: "Litestream.Storage.ReplicaFile" });
        Assert.Contains(uses, use => use is { From: "Storage", To: "Ltx", Member: "Litestream.Storage.FolderReplicaStore.RemoveLeftovers" });
        string forbidden = string.Join('\n', uses.Where(use => !IsAllowed(use.From, use.To) && !IsAdoption(use)).Distinct());
        Assert.True(forbidden.Length == 0, forbidden);
    }

    [Fact]
    public void Every_type_of_Core_lives_in_a_known_room()
    {
        string[] rooms = [.. MayUse.Keys.Select(room => $"{Root}.{room}"), Root];
        Assert.DoesNotContain(
            typeof(LitestreamException).Assembly.GetTypes(),
            type => type.Namespace?.StartsWith(Root, StringComparison.Ordinal) == true && !rooms.Contains(type.Namespace));
    }

    [Fact]
    public void A_file_lies_in_the_folder_of_its_namespace_and_opens_only_rooms_it_may_use()
    {
        foreach (string path in SourceFiles("src/Litestream.Core"))
        {
            string room = Path.GetRelativePath(Path.Combine(Repository, "src", "Litestream.Core"), Path.GetDirectoryName(path)!);
            string expected = room == "." ? Root : $"{Root}.{room.Replace(Path.DirectorySeparatorChar, '.')}";
            Assert.True(
                File.ReadLines(path).Any(line => line == $"namespace {expected};"),
                $"{path} does not declare namespace {expected}.");

            // The compiler copies a constant into its user: of that use only the directive remains.
            string[] used = [.. File.ReadLines(path).Select(line => UsingRoom().Match(line)).Where(match => match.Success)
                .Select(match => match.Groups["room"].Value)];
            string? forbidden = used.FirstOrDefault(other => room != "." && other != room && !IsAllowed(room, other) && !path.EndsWith(AdoptingFile, StringComparison.Ordinal));
            Assert.True(forbidden is null, $"{path} uses {forbidden}.");
        }
    }

    [Fact]
    public void A_file_declares_one_public_type_and_bears_its_name()
    {
        int seen = 0;
        foreach (string path in SourceFiles("src"))
        {
            string[] types = [.. File.ReadLines(path)
                .Select(line => PublicType().Match(line))
                .Where(match => match.Success)
                .Select(match => match.Groups["name"].Value)];
            seen += types.Length;
            Assert.True(types.Length <= 1, $"{path} declares {string.Join(", ", types)}.");
            Assert.True(
                types.Length == 0 || Path.GetFileNameWithoutExtension(path).Split('.')[0] == types[0],
                $"{path} declares {string.Join("", types)}.");
        }

        Assert.True(seen > 20, $"Only {seen} public types found.");
    }

    [Fact]
    public void A_file_fits_in_five_hundred_lines()
    {
        string[] sources = [.. SourceFiles("src"), .. SourceFiles("tests")];
        Assert.True(sources.Length > 20, $"Only {sources.Length} sources found.");
        Assert.DoesNotContain(sources, path => File.ReadLines(path).Count() > MaxLines);
    }

    [Fact]
    public void Every_error_of_Core_has_its_row_in_the_table_of_the_cmdlets()
    {
        string table = File.ReadAllText(Path.Combine(Repository, "src", "Litestream.PowerShell", "Errors", "ErrorTable.cs"));
        int seen = 0;
        foreach (string path in SourceFiles("src/Litestream.Core"))
        {
            string source = File.ReadAllText(path);
            foreach (Match id in ErrorIds().Matches(source).SelectMany(property => ErrorId().Matches(property.Value)))
            {
                seen++;
                Assert.True(table.Contains($"[{id.Value}] = new(", StringComparison.Ordinal), $"{path}: no row for {id.Value}.");
            }
        }

        Assert.True(seen > 20, $"Only {seen} error ids found.");
    }

    /// <summary>To adopt a replica is to read what a restore of it would read: its plan, and nothing else of that room.</summary>
    private static bool IsAdoption(RoomUse use) =>
        use.Member.StartsWith("Litestream.Replication.StartProof", StringComparison.Ordinal)
        && use.Used is "Litestream.Restoration.RestorePlan" or "Litestream.Restoration.RestorePlanner";

    private static bool IsAllowed(string from, string to) => MayUse.TryGetValue(from, out string[]? allowed) && allowed.Contains(to);

    internal static string Repository
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Litestream.slnx")))
            {
                folder = Path.GetDirectoryName(folder);
            }

            return folder ?? throw new DirectoryNotFoundException($"No Litestream.slnx above {AppContext.BaseDirectory}.");
        }
    }

    private static IEnumerable<string> SourceFiles(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));

    // The property's own body: an expression to its semicolon.
    [GeneratedRegex(@"override string ErrorId =>[^;]*;", RegexOptions.ExplicitCapture)]
    private static partial Regex ErrorIds();

    [GeneratedRegex("\"\\w+\"")]
    private static partial Regex ErrorId();

    [GeneratedRegex(@"^using (static )?Litestream\.(?<room>\w+)", RegexOptions.ExplicitCapture)]
    private static partial Regex UsingRoom();

    [GeneratedRegex(
        @"^public ((static|sealed|abstract|partial|readonly|ref|unsafe) )*(class|struct|interface|enum|record struct|record|delegate [\w<>?\[\]., ]+?) (?<name>\w+)",
        RegexOptions.ExplicitCapture)]
    private static partial Regex PublicType();
}
