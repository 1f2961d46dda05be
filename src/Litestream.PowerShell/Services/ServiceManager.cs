using System.ComponentModel;
using System.Diagnostics;

namespace Litestream.PowerShell.Services;

/// <summary>Runs the commands of the system's service manager.</summary>
internal static class ServiceManager
{
    /// <summary>Runs one to its end.</summary>
    /// <param name="command">Executable and arguments.</param>
    /// <exception cref="ReplicationException">It is not there, or has failed; the message holds what it wrote.</exception>
    internal static void Run(string[] command)
    {
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw Failed(command, $"it ended with {process.ExitCode}: {(errors.GetAwaiter().GetResult() + output).Trim()}");
            }
        }
        catch (Win32Exception exception)
        {
            throw Failed(command, exception.Message);
        }
    }

    private static ReplicationException Failed(string[] command, string why) => new(
        ErrorTable.ServiceManagerFailed,
        $"'{string.Join(' ', command)}' has failed: {why} The service's files are as they are shown; run the command by hand once its cause is mended.");
}
