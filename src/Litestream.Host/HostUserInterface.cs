using System.Management.Automation;
using System.Management.Automation.Host;

namespace Litestream.Host;

/// <summary>The console: objects, warnings and the like on standard output, errors on standard error, as <c>pwsh</c> does it.</summary>
/// <param name="interactive">False: whatever would ask the user fails instead.</param>
/// <param name="interruption">Ends a question when the pipeline is stopped.</param>
internal sealed partial class HostUserInterface(bool interactive, Interruption interruption) : PSHostUserInterface
{
    private readonly Lock _gate = new();
    private readonly ProgressLine _progress = new();
    private readonly LineReader _reader = new(interruption);

    /// <inheritdoc/>
    public override PSHostRawUserInterface RawUI { get; } = new HostRawUserInterface();

    /// <inheritdoc/>
    public override bool SupportsVirtualTerminal => Terminal.HasColor;

    /// <inheritdoc/>
    public override void Write(string value) => Print(Console.Out, value);

    /// <inheritdoc/>
    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        Print(Console.Out, Colored(foregroundColor, value));

    /// <inheritdoc/>
    public override void WriteLine(string value) => Print(Console.Out, value + Environment.NewLine);

    /// <inheritdoc/>
    public override void WriteLine(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        Print(Console.Out, Colored(foregroundColor, value) + Environment.NewLine);

    /// <inheritdoc/>
    public override void WriteErrorLine(string value)
    {
        // The engine's view of an error ends with an empty line of its own.
        if (value.Length > 0)
        {
            Print(Console.Error, Styled(PSStyle.Instance.Formatting.Error, value) + Environment.NewLine);
        }
    }

    /// <inheritdoc/>
    public override void WriteWarningLine(string message) => WriteTagged("WARNING", PSStyle.Instance.Formatting.Warning, message);

    /// <inheritdoc/>
    public override void WriteVerboseLine(string message) => WriteTagged("VERBOSE", PSStyle.Instance.Formatting.Verbose, message);

    /// <inheritdoc/>
    public override void WriteDebugLine(string message) => WriteTagged("DEBUG", PSStyle.Instance.Formatting.Debug, message);

    /// <inheritdoc/>
    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
        lock (_gate)
        {
            _progress.Show(record);
        }
    }

    /// <summary>Takes the progress away: its pipeline has ended.</summary>
    internal void ClearProgress()
    {
        lock (_gate)
        {
            _progress.Clear();
        }
    }

    private static string Styled(string style, string value) => style + value + PSStyle.Instance.Reset;

    private static string Colored(ConsoleColor color, string value) => Styled(PSStyle.MapForegroundColorToEscapeSequence(color), value);

    private void WriteTagged(string tag, string style, string message) =>
        Print(Console.Out, Styled(style, $"{tag}: {message}") + Environment.NewLine);

    /// <summary>Writes with the progress out of the way, and with escape sequences only where they are wanted.</summary>
    private void Print(TextWriter writer, string value)
    {
        bool color = Terminal.HasColor && !(writer == Console.Error && Console.IsErrorRedirected);
        string text = GetOutputString(value, color);
        lock (_gate)
        {
            _progress.Clear();
            writer.Write(text);
        }
    }
}
