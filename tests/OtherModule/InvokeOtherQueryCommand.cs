using System.Management.Automation;
using Microsoft.Data.Sqlite;

namespace Litestream.Tests.OtherModule;

/// <summary>Runs SQL on a database of its own and puts out the one value that it gives.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "OtherQuery")]
[OutputType(typeof(string))]
public sealed class InvokeOtherQueryCommand : PSCmdlet
{
    static InvokeOtherQueryCommand() => SQLitePCL.Batteries_V2.Init();

    [Parameter(Mandatory = true, Position = 0)]
    public string Path { get; set; } = "";

    [Parameter(Mandatory = true, Position = 1)]
    public string Query { get; set; } = "";

    protected override void ProcessRecord()
    {
        using SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = Query;
        WriteObject(command.ExecuteScalar()?.ToString());
    }
}
