using System.Management.Automation.Runspaces;

namespace Litestream.Host;

/// <summary>The process' arguments, understood as <c>pwsh</c> understands them.</summary>
internal sealed record CommandLine
{
    /// <summary>What <c>-?</c> shows.</summary>
    internal const string Usage =
        """
        Litestream.Host: the PowerShell engine with the Litestream module loaded, for machines without pwsh.

        Usage: Litestream.Host [-NoLogo] [-NoProfile] [-NonInteractive] [-Command <text> | [-File] <script> [arguments]]
               Litestream.Host -? | -Help

          -Command <text>   Runs the rest of the command line as PowerShell. "-" reads it from standard input.
          -File <script>    Runs a script with the rest of the command line as its arguments: -Name value, -Switch, -Switch:$false.
          -NonInteractive   A command that would ask something fails instead.
          -NoLogo           No greeting.
          -NoProfile        Accepted; this host reads no profile.

        Without -Command and -File it reads commands from the terminal, or from standard input if that is not a terminal.
        Exit codes are pwsh's: exit N ends with N, an error that ends the script with 1, a wrong command line with 64, SIGTERM with 143.

        What is here: the language, the .NET class library, and the engine's own commands (Get-Command, Get-Help, Import-Module,
        ForEach-Object, Where-Object and the like). The modules Microsoft.PowerShell.Utility and Microsoft.PowerShell.Management belong
        to pwsh alone: Write-Output, Select-Object, Sort-Object, Format-Table, ConvertTo-Json, Get-ChildItem, Get-Content, Test-Path,
        Start-Sleep and the others of theirs are missing. Write a value to output it; use .NET for files and time.
        """;

    private static readonly string[] Switches = ["NoLogo", "NoProfile", "NonInteractive", "Help", "Command", "File"];

    /// <summary>Why the command line cannot be used, or null.</summary>
    internal string? Error { get; private init; }

    /// <summary>Show <see cref="Usage"/> and end.</summary>
    internal bool Help { get; private init; }

    /// <summary>No greeting at the start of an interactive session.</summary>
    internal bool NoLogo { get; private init; }

    /// <summary>Whatever would ask the user fails instead.</summary>
    internal bool NonInteractive { get; private init; }

    /// <summary>PowerShell text to run, or null.</summary>
    internal string? Command { get; private init; }

    /// <summary>Commands come from standard input: <c>-Command -</c>.</summary>
    internal bool CommandFromInput { get; private init; }

    /// <summary>Full path of the script to run, or null.</summary>
    internal string? File { get; private init; }

    /// <summary>The script's arguments.</summary>
    internal IReadOnlyList<CommandParameter> Arguments { get; private init; } = [];

    /// <summary>Reads the arguments; whatever is wrong with them is in <see cref="Error"/>.</summary>
    /// <param name="args">The process' arguments.</param>
    internal static CommandLine Parse(ReadOnlySpan<string> args)
    {
        CommandLine result = new();
        while (!args.IsEmpty)
        {
            string? name = SwitchName(args[0]);
            switch (name)
            {
                case "NoLogo":
                    result = result with { NoLogo = true };
                    break;
                case "NoProfile":
                    break;
                case "NonInteractive":
                    result = result with { NonInteractive = true };
                    break;
                case "Help":
                    return result with { Help = true };
                case "Command":
                    return WithCommand(result, args[1..]);
                case "File":
                    return WithFile(result, args[1..]);
                default:
                    return WithFile(result, args);
            }

            args = args[1..];
        }

        return result;
    }

    /// <summary>
    /// <c>-name value</c> becomes a parameter and a value of its own, <c>-name:value</c> a parameter with a value, in which
    /// <c>true</c>, <c>$true</c> and their opposites are Booleans so that switches can be turned off. What belongs to what
    /// the script's parameter binder decides.
    /// </summary>
    /// <param name="args">All that follows the script's name.</param>
    internal static IReadOnlyList<CommandParameter> ParseScriptArguments(ReadOnlySpan<string> args)
    {
        List<CommandParameter> result = [];
        for (int i = 0; i < args.Length; i++)
        {
            string arg = args[i];
            int colon = arg.IndexOf(':', StringComparison.Ordinal);
            if (arg.Length < 2 || !IsDash(arg[0]))
            {
                result.Add(new CommandParameter(null, arg));
            }
            else if (colon < 0)
            {
                result.Add(new CommandParameter(arg));
            }
            else if (colon < arg.Length - 1)
            {
                result.Add(new CommandParameter(arg[..colon], Value(arg[(colon + 1)..])));
            }
            else if (++i < args.Length)
            {
                result.Add(new CommandParameter(arg[..colon], args[i]));
            }
        }

        return result;
    }

    private static CommandLine WithCommand(CommandLine line, ReadOnlySpan<string> rest) => rest switch
    {
        [] => line with { Error = "-Command needs the text to run." },
        ["-"] => line with { CommandFromInput = true },
        _ => line with { Command = string.Join(' ', rest!) },
    };

    private static CommandLine WithFile(CommandLine line, ReadOnlySpan<string> rest)
    {
        if (rest.IsEmpty)
        {
            return line with { Error = "-File needs the path of a script." };
        }

        // A full path, for the script may change the folder.
        string path = Path.GetFullPath(rest[0]);
        if (!System.IO.File.Exists(path))
        {
            return line with
            {
                Error = $"The argument '{rest[0]}' is not recognized as the name of a script file. "
                    + "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
            };
        }

        return line with { File = path, Arguments = ParseScriptArguments(rest[1..]) };
    }

    /// <summary>The full name of a switch of this host, from any prefix of it; null for anything else.</summary>
    private static string? SwitchName(string arg)
    {
        if (arg is "-?" or "/?" or "--help" or "-h")
        {
            return "Help";
        }

        if (arg.Length < 2 || !IsDash(arg[0]))
        {
            return null;
        }

        string key = arg.StartsWith("--", StringComparison.Ordinal) ? arg[2..] : arg[1..];
        string[] matches = [.. Switches.Where(name => name.StartsWith(key, StringComparison.OrdinalIgnoreCase))];
        return matches is [string match] ? match : null;
    }

    private static object Value(string text) =>
        bool.TryParse(text.AsSpan(text[0] == '$' ? 1 : 0), out bool value) ? value : text;

    private static bool IsDash(char c) => c is '-' or '\u2013' or '\u2014' or '\u2015';
}
