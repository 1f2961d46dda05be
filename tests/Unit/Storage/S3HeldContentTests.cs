using System.Security.Cryptography;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

/// <summary>What is sent of an object before its turn.</summary>
public sealed class S3HeldContentTests
{
    private static readonly byte[] Bytes = RandomNumberGenerator.GetBytes(10_000);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(10_000)]
    public async Task All_but_the_last_byte_is_given_before_the_turn_each_time_that_it_is_sent(int count)
    {
        TaskCompletionSource turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int asked = 0;
        await using S3HeldContent content = new(Bytes, count, () =>
        {
            asked++;
            return turn.Task;
        });
        using (SHA256 hash = SHA256.Create())
        {
            Assert.Equal(SHA256.HashData(Bytes.AsSpan(0, count)), hash.ComputeHash(content)); // as it is signed
        }

        Assert.Equal(0, asked);
        for (int sent = 1; sent <= 2; sent++)
        {
            content.Position = 0;
            using MemoryStream got = new();
            using CancellationTokenSource broken = new();
            Task sending = content.CopyToAsync(got, 700, broken.Token);
            Assert.Equal((false, count - 1, sent), (sending.IsCompleted, (int)got.Length, asked));
            await broken.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        content.Position = 0;
        using MemoryStream whole = new();
        Task last = content.CopyToAsync(whole, 700);
        turn.SetResult();
        await last;
        Assert.Equal(Bytes[..count], whole.ToArray());
    }
}
