namespace Litestream.Replication;

/// <summary>Something to be done on the thread of a <see cref="CaptureLoop"/>.</summary>
internal interface ICaptureRequest
{
    /// <summary>Does it. What it throws is for the loop to judge; the request stays open then.</summary>
    /// <param name="session">The session.</param>
    void Run(CaptureSession session);

    /// <summary>Tells whoever waits that it will not be done.</summary>
    /// <param name="error">Why.</param>
    void Fail(Exception error);
}
