using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Internal;

namespace Litestream.Host;

/// <summary>The terminal as a grid of cells, as far as the engine's formatting needs it.</summary>
internal sealed class HostRawUserInterface : PSHostRawUserInterface
{
    private const string NoCells = "Litestream.Host does not read or move cells of the terminal.";

    /// <inheritdoc/>
    public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.Gray;

    /// <inheritdoc/>
    public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;

    /// <inheritdoc/>
    public override Size BufferSize
    {
        get => new(Terminal.Width, Terminal.Height);
        set => throw new NotSupportedException(NoCells);
    }

    /// <inheritdoc/>
    public override Size WindowSize
    {
        get => BufferSize;
        set => throw new NotSupportedException(NoCells);
    }

    /// <inheritdoc/>
    public override Size MaxWindowSize => BufferSize;

    /// <inheritdoc/>
    public override Size MaxPhysicalWindowSize => BufferSize;

    /// <inheritdoc/>
    public override Coordinates CursorPosition
    {
        get => Terminal.IsOutput ? new(Console.CursorLeft, Console.CursorTop) : new(0, 0);
        set => throw new NotSupportedException(NoCells);
    }

    /// <inheritdoc/>
    public override Coordinates WindowPosition { get; set; }

    /// <inheritdoc/>
    public override int CursorSize { get; set; } = 25;

    /// <inheritdoc/>
    public override string WindowTitle { get; set; } = "";

    /// <inheritdoc/>
    public override bool KeyAvailable => !Console.IsInputRedirected && Console.KeyAvailable;

    /// <inheritdoc/>
    public override KeyInfo ReadKey(ReadKeyOptions options)
    {
        ConsoleKeyInfo key = Console.ReadKey(intercept: options.HasFlag(ReadKeyOptions.NoEcho));
        return new KeyInfo((int)key.Key, key.KeyChar, controlKeyState: default, keyDown: true);
    }

    /// <inheritdoc/>
    public override void FlushInputBuffer()
    {
        while (KeyAvailable)
        {
            Console.ReadKey(intercept: true);
        }
    }

    /// <inheritdoc/>
    public override int LengthInBufferCells(string source) => Terminal.CellCount(new StringDecorated(source).ToString(OutputRendering.PlainText));

    /// <inheritdoc/>
    public override int LengthInBufferCells(string source, int offset) => LengthInBufferCells(source[offset..]);

    /// <inheritdoc/>
    public override int LengthInBufferCells(char source) => Terminal.CellCount([source]);

    /// <inheritdoc/>
    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new NotSupportedException(NoCells);

    /// <inheritdoc/>
    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) =>
        throw new NotSupportedException(NoCells);

    /// <inheritdoc/>
    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw new NotSupportedException(NoCells);

    /// <inheritdoc/>
    public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw new NotSupportedException(NoCells);
}
