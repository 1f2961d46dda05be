using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;

namespace Litestream.Host;

/// <summary>
/// Two things that <c>pwsh</c>'s own console does inside the engine and that the engine offers to no other host. The engine stands in
/// this host's own folder, so its version is the one this was built and tested with.
/// </summary>
internal static class EngineInternals
{
    private const BindingFlags Internal = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private static readonly PropertyInfo ExecutionContext = Property(typeof(Runspace), "ExecutionContext");
    private static readonly PropertyInfo RethrowExit = Property(ExecutionContext.PropertyType, "ScriptCommandProcessorShouldRethrowExit");
    private static readonly PropertyInfo WriteStream = Property(typeof(PSObject), "WriteStream");

    /// <summary>
    /// Lets <c>exit</c> in the next script file end the session. Without it, it only ends the script, and its code cannot be told from
    /// that of a program that the script called.
    /// </summary>
    /// <param name="runspace">An open runspace of this process.</param>
    internal static void LetExitEndSession(Runspace runspace) =>
        RethrowExit.SetValue(ExecutionContext.GetValue(runspace), true);

    /// <summary>Marks an error record as one from the error stream, so that it is shown there and as an error.</summary>
    /// <param name="error">What to show.</param>
    internal static PSObject AsError(ErrorRecord error)
    {
        PSObject wrapped = new(error);
        WriteStream.SetValue(wrapped, Enum.Parse(WriteStream.PropertyType, "Error"));
        return wrapped;
    }

    private static PropertyInfo Property(Type type, string name) =>
        type.GetProperty(name, Internal) ?? throw new MissingMemberException(type.FullName, name);
}
