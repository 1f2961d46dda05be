using System.Globalization;
using System.Management.Automation.Host;

namespace Litestream.Host;

/// <summary>What the engine asks of its host.</summary>
/// <param name="ui">The console.</param>
internal sealed class LitestreamHost(HostUserInterface ui) : PSHost
{
    /// <inheritdoc/>
    public override string Name => "Litestream.Host";

    /// <inheritdoc/>
    public override Version Version => typeof(LitestreamHost).Assembly.GetName().Version!;

    /// <inheritdoc/>
    public override Guid InstanceId { get; } = Guid.NewGuid();

    /// <inheritdoc/>
    public override PSHostUserInterface UI => ui;

    /// <inheritdoc/>
    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;

    /// <inheritdoc/>
    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;

    /// <summary>What <c>exit</c> said; null while nothing did.</summary>
    internal int? ExitCode { get; private set; }

    /// <inheritdoc/>
    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    /// <inheritdoc/>
    public override void EnterNestedPrompt() => throw new NotSupportedException("Litestream.Host has no nested prompt.");

    /// <inheritdoc/>
    public override void ExitNestedPrompt() => throw new NotSupportedException("Litestream.Host has no nested prompt.");

    /// <inheritdoc/>
    public override void NotifyBeginApplication()
    {
        // A program is about to write to the terminal.
        ui.ClearProgress();
    }

    /// <inheritdoc/>
    public override void NotifyEndApplication()
    {
    }
}
