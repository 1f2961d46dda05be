using System.Globalization;

namespace Litestream.Ltx;

/// <summary>A replica file is damaged, cut short, or not a replica file at all.</summary>
public sealed class LtxFormatException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">The file's name, as it was given to the reader.</param>
    /// <param name="offset">Where in the file, in bytes from its start.</param>
    /// <param name="problem">What is wrong there, as a clause without a full stop.</param>
    public LtxFormatException(string file, long offset, string problem)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"The replica file '{file}' is damaged at byte {offset}: {problem}. Nothing of it was used, and it was left as it is. "
            + $"Test the replica to see which points in time the other files still give."))
    {
        File = file;
        Offset = offset;
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaCorrupt";

    /// <summary>Where in the file, in bytes from its start.</summary>
    public long Offset { get; }
}
