using System.Globalization;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>An application with one connection in a process of its own, which does what it is told line by line.</summary>
internal sealed class ApplicationProcess : IDisposable
{
    private readonly ChildProcess _child;

    private ApplicationProcess(ChildProcess child) => _child = child;

    /// <summary>Starts it; the database is open when this completes.</summary>
    public static async Task<ApplicationProcess> OpenAsync(string path, string setup = "PRAGMA journal_mode=wal")
    {
        var application = new ApplicationProcess(ChildProcess.Start(RunAsync, [path, setup]));
        Assert.Equal("open", await application._child.ReadLineAsync());
        return application;
    }

    /// <summary>Runs one or more statements.</summary>
    public Task ExecuteAsync(string sql) => AskAsync("execute " + sql);

    /// <summary>The first column of the first row.</summary>
    public async Task<long> QueryAsync(string sql) => long.Parse(await AskAsync("query " + sql), CultureInfo.InvariantCulture);

    /// <summary>Opens and closes a file in that process, as a program that copies it does.</summary>
    public Task TouchAsync(string path) => AskAsync("touch " + path);

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public Task KillAsync() => _child.KillAsync();

    public void Dispose() => _child.Dispose();

    private async Task<string> AskAsync(string line)
    {
        await _child.WriteLineAsync(line);
        string answer = await _child.ReadLineAsync();
        Assert.StartsWith("ok ", answer, StringComparison.Ordinal);
        return answer[3..];
    }

    private static async Task RunAsync(string[] args)
    {
        using var application = new Application(args[0], args[1]);
        Console.WriteLine("open");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            try
            {
                Console.WriteLine($"ok {Do(application, line).ToString(CultureInfo.InvariantCulture)}");
            }
            catch (InvalidOperationException e)
            {
                Console.WriteLine(e.Message);
            }
        }
    }

    private static long Do(Application application, string line)
    {
        string argument = line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        switch (line.Split(' ')[0])
        {
            case "query":
                return application.Query(argument);
            case "touch":
                using (File.OpenRead(argument))
                {
                    return 0;
                }

            default:
                application.Execute(argument);
                return 0;
        }
    }
}
