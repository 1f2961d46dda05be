namespace Litestream.Tests.PowerShell;

/// <summary>What is bound shows in -WhatIf, which starts nothing.</summary>
[Collection("engine")]
public sealed class BindingTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Objects_with_Path_and_Destination_are_taken_from_the_pipeline()
    {
        string shown = WhatIf(
            "[pscustomobject]@{ Path = 'a.db'; Destination = 'ra' }, [pscustomobject]@{ Path = 'b.db'; Destination = 'rb' } | Start-SqliteReplication -WhatIf");

        Assert.Contains(Line("a.db", "ra"), shown, StringComparison.Ordinal);
        Assert.Contains(Line("b.db", "rb"), shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_are_relative_to_the_session_s_location_not_the_process_s_folder() =>
        Assert.Contains(Line("a.db", "r"), WhatIf("Start-SqliteReplication a.db r -WhatIf"), StringComparison.Ordinal);

    [Fact]
    public void A_file_object_is_taken_from_the_pipeline() =>
        Assert.Contains(
            Line("a.db", "r"), WhatIf("[IO.FileInfo]::new(\"$pwd/a.db\") | Start-SqliteReplication -Destination r -WhatIf"), StringComparison.Ordinal);

    [Fact]
    public void A_file_object_may_bring_its_destination()
    {
        EventTable.Make(_folder["a[1].db"]);
        EventTable.Make(_folder["a1.db"]);

        Assert.Contains(
            Line("a[1].db", "r"),
            WhatIf("[pscustomobject]@{ PSPath = \"Microsoft.PowerShell.Core\\FileSystem::$pwd/a[1].db\"; Destination = 'r' } | Start-SqliteReplication -WhatIf"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Wildcards_find_databases_and_not_the_files_beside_them()
    {
        EventTable.Make(_folder["one.db"]);
        File.WriteAllText(_folder["one.db-wal"], "");
        File.WriteAllText(_folder["one.db-shm"], "");

        string shown = WhatIf("Start-SqliteReplication one.db* r -WhatIf");

        Assert.Contains(Line("one.db", "r"), shown, StringComparison.Ordinal);
        Assert.Equal(1, shown.Split("What if:").Length - 1);
    }

    [Fact]
    public void A_name_with_brackets_means_the_file_of_that_name()
    {
        EventTable.Make(_folder["a[1].db"]);
        EventTable.Make(_folder["a1.db"]);

        Assert.Contains(Line("a[1].db", "r"), WhatIf("Start-SqliteReplication 'a[1].db' r -WhatIf"), StringComparison.Ordinal);
        Assert.Contains(
            Line("a[1].db", "r"), WhatIf("Start-SqliteReplication -LiteralPath 'a[1].db' -Destination r -WhatIf"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_database_and_place_twice_is_once() =>
        Assert.Equal(1, WhatIf("Start-SqliteReplication a.db, ./a.db r -WhatIf").Split("What if:").Length - 1);

    [Fact]
    public void A_URL_stays_as_it_is() =>
        Assert.Contains($"Replicate to '{System.IO.Path.GetFullPath("/srv/r")}'", WhatIf("Start-SqliteReplication a.db file:///srv/r -WhatIf"), StringComparison.Ordinal);

    public void Dispose() => _folder.Dispose();

    private string WhatIf(string script) =>
        session.RunIn(_folder.FullPath, script).ThrowIfFailed().Shown;

    private string Line(string database, string place) => $"\"Replicate to '{_folder[place]}'\" on target \"{_folder[database]}\"";
}
