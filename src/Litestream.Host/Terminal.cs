using System.Runtime.InteropServices;
using System.Text;

namespace Litestream.Host;

/// <summary>What standard output is connected to.</summary>
internal static partial class Terminal
{
    /// <summary>Cells in a line where output is a file or a pipe.</summary>
    private const int DefaultWidth = 120;

    private const int DefaultHeight = 50;
    private const int StandardOutput = -11;
    private const uint VirtualTerminalProcessing = 4;

    /// <summary>Standard output is a terminal that a line can be redrawn on.</summary>
    internal static bool IsOutput { get; } = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Colour is wanted and understood: a terminal, and the user has not set NO_COLOR (no-color.org).</summary>
    internal static bool HasColor { get; } =
        IsOutput && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && EnableEscapeSequences();

    /// <summary>Cells in a line, 1 or more.</summary>
    internal static int Width => IsOutput && Console.WindowWidth > 0 ? Console.WindowWidth : DefaultWidth;

    /// <summary>Lines, 1 or more.</summary>
    internal static int Height => IsOutput && Console.WindowHeight > 0 ? Console.WindowHeight : DefaultHeight;

    /// <summary>How many cells a text takes; escape sequences are to be removed before.</summary>
    /// <param name="text">Without line breaks.</param>
    internal static int CellCount(ReadOnlySpan<char> text)
    {
        int cells = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            cells += IsWide(rune.Value) ? 2 : 1;
        }

        return cells;
    }

    /// <summary>The blocks of Unicode's East Asian Width table (UAX 11) that are wide throughout.</summary>
    private static bool IsWide(int code) => code is (>= 0x1100 and <= 0x115f)
        or (>= 0x2e80 and <= 0xa4cf)
        or (>= 0xac00 and <= 0xd7a3)
        or (>= 0xf900 and <= 0xfaff)
        or (>= 0xfe30 and <= 0xfe6f)
        or (>= 0xff00 and <= 0xff60)
        or (>= 0xffe0 and <= 0xffe6)
        or (>= 0x1f300 and <= 0x1faff)
        or (>= 0x20000 and <= 0x3fffd);

    private static bool EnableEscapeSequences()
    {
        if (!OperatingSystem.IsWindows())
        {
            return true;
        }

        nint handle = GetStdHandle(StandardOutput);
        return GetConsoleMode(handle, out uint mode) && SetConsoleMode(handle, mode | VirtualTerminalProcessing);
    }

    [LibraryImport("kernel32")]
    private static partial nint GetStdHandle(int handle);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetConsoleMode(nint handle, out uint mode);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetConsoleMode(nint handle, uint mode);
}
