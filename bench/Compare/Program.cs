using System.Runtime.InteropServices;
using Litestream.Bench.Compare.Plots;
using Litestream.Bench.Compare.Works;
using Litestream.Tests.Interop;

namespace Litestream.Bench.Compare;

internal static class Program
{
    private static readonly Dictionary<string, IWork> Works = new()
    {
        ["image"] = new ImageWork(),
        ["restore"] = new RestoreWork(),
        ["restart"] = new RestartWork(),
        ["idle"] = new IdleWork(),
        ["lag"] = new LagWork(),
        ["speed"] = new SpeedWork(),
        ["writer"] = new WriterWork(),
        ["growth"] = new GrowthWork(),
        ["many"] = new ManyWork(),
        ["s3"] = new S3Work(),
    };

    public static async Task<int> Main(string[] args)
    {
        SQLitePCL.Batteries_V2.Init();

        // As the workers of the module run, see WorkerProcess; every program started here inherits it.
        Environment.SetEnvironmentVariable("DOTNET_GCgen0size", "0x1000000");
        Environment.SetEnvironmentVariable("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0");
        if (args.Length == 3 && Child.IsVerb(args[0]))
        {
            return await Child.RunAsync(args[0], args[1], args[2]);
        }

        CompareOptions options;
        try
        {
            options = CompareOptions.Parse(args);
            if (options.Work.FirstOrDefault(name => !Works.ContainsKey(name)) is { } unknown)
            {
                throw new FormatException($"There is no work '{unknown}'.");
            }
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(CompareOptions.Usage);
            return 2;
        }

        if (options.Draw.Count > 0)
        {
            Finish(Figures.Read(options.Draw), options);
            return 0;
        }

        DirectoryInfo folder = options.Folder is null
            ? Directory.CreateTempSubdirectory("litestream-compare-")
            : Directory.CreateDirectory(Path.Combine(options.Folder, $"litestream-compare-{Environment.ProcessId}"));
        try
        {
            Bench bench = new(options, await SubjectsAsync(options), folder.FullName);
            try
            {
                foreach (string name in options.Work)
                {
                    await Works[name].RunAsync(bench);
                }
            }
            finally
            {
                // What took an hour to measure is kept, whatever ends the run.
                Finish(bench.Figures, options);
            }

            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Finish(Figures figures, CompareOptions options)
    {
        figures.Print(Console.Out);
        if (options.Json is not null)
        {
            File.WriteAllText(options.Json, figures.ToJson());
        }

        if (options.Plots is not null)
        {
            GrowthPlots.Draw(figures, options.Plots);
        }
    }

    private static async Task<ISubject[]> SubjectsAsync(CompareOptions options) => options.Work.All(name => Works[name].OnlyOurs)
        ? [new OurSubject()]
        : [new OurSubject(), new LitestreamSubject(options.Litestream ?? await InstallLitestreamAsync())];

    /// <summary>Litestream 0.3.13 as npm has it, installed beside this program.</summary>
    private static async Task<string> InstallLitestreamAsync()
    {
        const string program = "litestream";
        string package = $"@flydotio/litestream-linux-{(RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64")}";
        return await NpmPackages.InstallAsync(package, program) is { } absence
            ? throw new FileNotFoundException($"Litestream 0.3.13 could not be installed: {absence}. Name a binary by --litestream.")
            : NpmPackages.PathOf(package, program);
    }
}
