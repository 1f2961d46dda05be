namespace Litestream.Tests.Soak;

/// <summary>A disk has no room left for a while.</summary>
/// <param name="name">Which disk.</param>
/// <param name="disk">One of the soak's own.</param>
internal sealed class FullDiskFault(string name, SmallDisk disk) : IFault
{
    public string Name => name;

    public bool Excuses => true;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        await Task.Run(disk.Fill, stop);
        try
        {
            await Task.Delay(length, stop);
        }
        finally
        {
            disk.Free();
        }

        return null;
    }
}
