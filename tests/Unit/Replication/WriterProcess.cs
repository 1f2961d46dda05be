namespace Litestream.Tests.Unit.Replication;

/// <summary>The event writer as a process of its own: a busy application, hostile if it is told so.</summary>
internal static class WriterProcess
{
    /// <summary>Options for everything that applications do to a database, with checkpoints of every mode at random moments.</summary>
    public static readonly string[] Hostile = ["--mix", "--checkpoints", "random"];

    /// <summary>Starts it.</summary>
    public static ChildProcess Start(string database, params string[] options) =>
        ChildProcess.StartProgram("Litestream.Tests.EventWriter.dll", ["--database", database, .. options]);
}
