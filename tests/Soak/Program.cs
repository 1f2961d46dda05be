using System.Runtime.InteropServices;

namespace Litestream.Tests.Soak;

internal static class Program
{
    private const int Passed = 0;
    private const int Failed = 1;
    private const int NotRun = 2;
    private const int WrongCommandLine = 64;

    public static async Task<int> Main(string[] args)
    {
        if (args is ["-?" or "-Help"])
        {
            Console.WriteLine(SoakOptions.Usage);
            return Passed;
        }

        if (args is ["-Report", string log])
        {
            string report = Path.ChangeExtension(log, ".html");
            SoakReport.Write(log, report);
            Console.WriteLine(report);
            return Passed;
        }

        SoakOptions options;
        try
        {
            options = SoakOptions.Parse(args);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(SoakOptions.Usage);
            return WrongCommandLine;
        }

        using CancellationTokenSource stop = new();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            SQLitePCL.Batteries_V2.Init();
            if (new SoakPlace(options.Destination, options.Folder).Fault() is { } fault)
            {
                Console.Error.WriteLine(fault);
                return WrongCommandLine;
            }

            string? litestream = options.SoaksLitestream ? await LitestreamSubject.InstallAsync() : null;
            await using SoakRun run = new(options, litestream, Console.Out, !Console.IsOutputRedirected);
            return await run.RunAsync(stop.Token) ? Passed : Failed;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            Console.Error.WriteLine($"The soak could not be run: {e}");
            return NotRun;
        }
    }
}
