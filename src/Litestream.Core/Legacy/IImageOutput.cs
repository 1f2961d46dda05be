namespace Litestream.Legacy;

/// <summary>The database file that is being made. It begins empty; what is not written reads as zeros.</summary>
internal interface IImageOutput
{
    /// <summary>Writes bytes to their place; beyond the end they make the file longer.</summary>
    /// <param name="offset">Where, from the start of the file.</param>
    /// <param name="bytes">What.</param>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Cuts the file, or makes it longer by zeros.</summary>
    /// <param name="length">Length in bytes.</param>
    void SetLength(long length);
}
