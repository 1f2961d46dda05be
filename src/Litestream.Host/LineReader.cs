using System.Management.Automation;
using System.Security;

namespace Litestream.Host;

/// <summary>Reads lines from the terminal key by key, so that Ctrl-C is heard meanwhile; or from standard input if it is not a terminal.</summary>
/// <param name="interruption">Tells when to give up.</param>
internal sealed class LineReader(Interruption interruption)
{
    private const int PollMilliseconds = 20;

    private readonly List<string> _history = [];

    /// <summary>Reads a line and shows it meanwhile; the arrow keys go through earlier ones.</summary>
    /// <returns>The line; null at the end of input.</returns>
    internal string? ReadLine()
    {
        string? line = Console.IsInputRedirected ? Console.In.ReadLine() : ReadKeys(key => Console.Out.Write(key), _history);
        if (!string.IsNullOrWhiteSpace(line))
        {
            _history.Add(line);
        }

        return line;
    }

    /// <summary>Reads a line without showing it.</summary>
    /// <returns>The line; null at the end of input.</returns>
    internal SecureString? ReadSecret()
    {
        string? line = Console.IsInputRedirected ? Console.In.ReadLine() : ReadKeys(_ => { }, []);
        if (line is null)
        {
            return null;
        }

        SecureString secret = new();
        foreach (char c in line)
        {
            secret.AppendChar(c);
        }

        secret.MakeReadOnly();
        return secret;
    }

    private string? ReadKeys(Action<string> echo, List<string> history)
    {
        string line = "";
        int entry = history.Count;
        while (true)
        {
            ConsoleKeyInfo key = ReadKey();
            switch (key)
            {
                case { Key: ConsoleKey.Enter }:
                    Console.Out.WriteLine();
                    return line;
                case { Key: ConsoleKey.D, Modifiers: ConsoleModifiers.Control } when line.Length == 0:
                    return null;
                case { Key: ConsoleKey.Backspace } when line.Length > 0:
                    line = Replace(line, line[..^1], echo);
                    break;
                case { Key: ConsoleKey.UpArrow } when entry > 0:
                    line = Replace(line, history[--entry], echo);
                    break;
                case { Key: ConsoleKey.DownArrow } when entry < history.Count:
                    line = Replace(line, ++entry < history.Count ? history[entry] : "", echo);
                    break;
                case { KeyChar: >= ' ' and not '\x7f' }:
                    line += key.KeyChar;
                    echo(key.KeyChar.ToString());
                    break;
            }
        }
    }

    private ConsoleKeyInfo ReadKey()
    {
        while (!Console.KeyAvailable)
        {
            if (interruption.Requested)
            {
                throw new PipelineStoppedException();
            }

            Thread.Sleep(PollMilliseconds);
        }

        return Console.ReadKey(intercept: true);
    }

    private static string Replace(string old, string replacement, Action<string> echo)
    {
        string back = new('\b', Terminal.CellCount(old));
        echo(back + new string(' ', back.Length) + back + replacement);
        return replacement;
    }
}
