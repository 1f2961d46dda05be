using System.Text.RegularExpressions;

namespace Litestream.Tests.Unit;

/// <summary>
/// The defects of tests/Mutation, which run.sh seeds one by one, still fit the source, and the tests that catch them are there and listed.
/// </summary>
public sealed partial class MutantTests
{
    private static readonly string Repository = ArchitectureTests.Repository;

    public static TheoryData<string> Names() =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository, "tests", "Mutation"), "*.patch").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_defect_can_still_be_seeded_and_names_the_test_that_catches_it(string name)
    {
        string patch = await File.ReadAllTextAsync(Path.Combine(Repository, "tests", "Mutation", name + ".patch"));
        string source = await File.ReadAllTextAsync(Path.Combine(Repository, SourceFile().Match(patch).Groups["path"].Value));
        Assert.All(Hunk().Matches(patch).Select(match => match.Groups["lines"].Value), lines => Assert.Equal(2, source.Split(Before(lines)).Length));

        Match caught = CaughtBy().Match(patch);
        Assert.True(caught.Success, "It lacks a line 'Caught by: <project> <class>.<test>'.");
        string folder = Path.Combine(Repository, caught.Groups["project"].Value);
        string test = Assert.Single(Directory.EnumerateFiles(folder, caught.Groups["class"].Value + ".cs", SearchOption.AllDirectories));
        Assert.Contains($" {caught.Groups["test"].Value}(", await File.ReadAllTextAsync(test), StringComparison.Ordinal);
        Assert.Contains(
            $"| `{name}` | {patch.Split('\n')[0]} | `{caught.Groups["class"].Value}.{caught.Groups["test"].Value}` |",
            await File.ReadAllTextAsync(Path.Combine(Repository, "docs", "testing.md")),
            StringComparison.Ordinal);
    }

    // The text that a hunk replaces: its context and what it takes away.
    private static string Before(string hunk) =>
        string.Concat(hunk.Split('\n').Where(line => line.Length > 0 && line[0] is ' ' or '-').Select(line => line[1..] + "\n"));

    [GeneratedRegex(@"^--- a/(?<path>\S+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex SourceFile();

    [GeneratedRegex(@"^@@ .*\n(?<lines>([ +-].*\n)+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Hunk();

    [GeneratedRegex(@"^Caught by: (?<project>\S+) (?<class>\w+)\.(?<test>\w+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CaughtBy();
}
