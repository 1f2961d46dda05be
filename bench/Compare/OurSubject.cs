namespace Litestream.Bench.Compare;

/// <summary>This project: this program itself, told to replicate or restore, without the PowerShell engine.</summary>
internal sealed class OurSubject : ISubject
{
    private static readonly string Self = Environment.ProcessPath!;

    public string Name => "ours";

    public string[] Replicate(string database, string replica) => [Self, Child.ReplicateVerb, database, replica];

    public string[] Restore(string replica, string output) => [Self, Child.RestoreVerb, replica, output];

    public int Images(string replica) => Files.Count(Path.Combine(replica, "ltx", "9"), "*.ltx");

    public int Changes(string replica) => Files.Count(Path.Combine(replica, "ltx", "0"), "*.ltx");
}
