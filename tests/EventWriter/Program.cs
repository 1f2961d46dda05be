using System.Runtime.InteropServices;

namespace Litestream.Tests.EventWriter;

internal static class Program
{
    public static int Main(string[] args)
    {
        WriterOptions options;
        try
        {
            options = WriterOptions.Parse(args);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(WriterOptions.Usage);
            return 2;
        }

        SQLitePCL.Batteries_V2.Init();
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
            Console.WriteLine(new WriteRun(options, stop.Token).Run().ToJson());
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
        {
            Console.Error.WriteLine(e);
            return 1;
        }
    }
}
