using System.Text;

namespace Litestream.Host;

/// <summary>A small console for the PowerShell engine with the Litestream module loaded, for machines without <c>pwsh</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        CommandLine commandLine = CommandLine.Parse(args);
        if (commandLine.Error is { } error)
        {
            Console.Error.WriteLine(error);
            Console.Error.WriteLine();
            Console.Error.WriteLine(CommandLine.Usage);
            return ExitCode.BadCommandLine;
        }

        if (commandLine.Help)
        {
            Console.Out.WriteLine(CommandLine.Usage);
            return ExitCode.Success;
        }

        using Session session = new(commandLine);
        return session.Run();
    }
}
