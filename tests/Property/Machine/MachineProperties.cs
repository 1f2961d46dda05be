using System.Globalization;
using Xunit.Abstractions;

namespace Litestream.Tests.Properties.Machine;

/// <summary>
/// The whole machine as a state machine. LITESTREAM_PROPERTY_SCALE tries so many times as many lives, LITESTREAM_PROPERTY_SEED other ones.
/// A life that fails is made as short as it stays failing, and printed.
/// </summary>
public sealed class MachineProperties(ITestOutputHelper output)
{
    private const int Lives = 24;
    private const int Commands = 120;

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(16384)]
    [InlineData(32768)]
    [InlineData(65536)]
    public async Task Whatever_happens_each_instant_that_can_be_restored_is_what_was_committed(int pageSize)
    {
        int lives = Math.Max(1, Lives * PropertySettings.Scale * 4096 / 8 / Math.Max(pageSize, 4096));
        int first = PropertySettings.Seed;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{lives} lives of {Commands} commands, seeds {first} to {first + lives - 1}"));
        for (int seed = first; seed < first + lives; seed++)
        {
            await LiveAsync(pageSize, seed);
        }
    }

    [Theory]
    [InlineData(1024, 1000)] // a WAL that was reset before it had a frame
    [InlineData(4096, 1009)] // a page table whose captured file was merged away
    [InlineData(1024, 1036)] // staged files torn, and their captures merged away
    [InlineData(512, 1259)] // a merged file that was deleted, with the answer lost
    [InlineData(512, 179)] // a full image that arrived, with the answer lost, under a number that a power cut had freed
    public Task A_life_that_failed_once_does_not_fail_again(int pageSize, int seed) => LiveAsync(pageSize, seed);

    private static async Task LiveAsync(int pageSize, int seed)
    {
        var random = new Random(unchecked((seed * 31) + pageSize));
        int autoVacuum = random.Next(3);
        List<MachineCommand> commands = [.. Enumerable.Range(0, Commands).Select(_ => MachineCommand.Draw(random))];
        if (await FailureAsync(pageSize, autoVacuum, commands) is { } error)
        {
            commands = await ShrinkAsync(pageSize, autoVacuum, commands);
            error = await FailureAsync(pageSize, autoVacuum, commands) ?? error;
            Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"""
                LITESTREAM_PROPERTY_SEED={seed}, pages of {pageSize} bytes, auto_vacuum={autoVacuum}:
                {string.Join('\n', commands)}
                {error}
                """));
        }
    }

    private static async Task<Exception?> FailureAsync(int pageSize, int autoVacuum, List<MachineCommand> commands)
    {
        try
        {
            await MachineLife.RunAsync(pageSize, autoVacuum, commands);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    // Leaves out ever smaller runs of commands as long as what is left fails.
    private static async Task<List<MachineCommand>> ShrinkAsync(int pageSize, int autoVacuum, List<MachineCommand> commands)
    {
        for (int length = commands.Count / 2; length > 0; length /= 2)
        {
            for (int start = 0; start + length <= commands.Count;)
            {
                List<MachineCommand> fewer = [.. commands[..start], .. commands[(start + length)..]];
                if (await FailureAsync(pageSize, autoVacuum, fewer) is null)
                {
                    start += length;
                }
                else
                {
                    commands = fewer;
                }
            }
        }

        return commands;
    }
}
