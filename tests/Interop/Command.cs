using System.ComponentModel;
using System.Diagnostics;

namespace Litestream.Tests.Interop;

/// <summary>Runs programs to their end, within a time.</summary>
internal static class Command
{
    internal sealed record Result(int ExitCode, string Output, string Errors);

    /// <summary>Runs a program; null if it is not installed.</summary>
    public static async Task<Result?> RunAsync(
        TimeSpan patience,
        string program,
        IEnumerable<string> args,
        IEnumerable<(string Name, string Value)>? environment = null,
        string input = "")
    {
        ProcessStartInfo start = new(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        Process? process;
        try
        {
            process = Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null;
        }

        using (process)
        {
            using CancellationTokenSource timeout = new(patience);
            Task<string> output = process!.StandardOutput.ReadToEndAsync(timeout.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(timeout.Token);
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), timeout.Token);
                process.StandardInput.Close();
                await process.WaitForExitAsync(timeout.Token);
                return new Result(process.ExitCode, await output, await errors);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"{program} {string.Join(' ', args)} did not end within {patience}.");
            }
        }
    }

    /// <summary>Runs one of the programs built beside the tests; fails unless it succeeds.</summary>
    public static async Task<string> RunBesideAsync(string assembly, IEnumerable<string> args)
    {
        string path = Path.Combine(AppContext.BaseDirectory, assembly + ".dll");
        Result? result = await RunAsync(TimeSpan.FromMinutes(2), "dotnet", [path, .. args]);
        return result is { ExitCode: 0 }
            ? result.Output
            : throw new InvalidOperationException(
                $"{assembly} {string.Join(' ', args)} ended with {result?.ExitCode}: {result?.Output} {result?.Errors}");
    }
}
