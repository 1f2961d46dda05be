namespace Litestream.Bench.Compare;

/// <summary>A replicator as a program: this project, or Litestream.</summary>
internal interface ISubject
{
    string Name { get; }

    /// <summary>The command that replicates until it is told to end.</summary>
    string[] Replicate(string database, string replica);

    /// <summary>The command that restores the newest.</summary>
    string[] Restore(string replica, string output);

    /// <summary>Full images that are whole in the replica.</summary>
    int Images(string replica);

    /// <summary>Files of changes that are whole in the replica.</summary>
    int Changes(string replica);
}
