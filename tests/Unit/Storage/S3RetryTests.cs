using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

/// <summary>How long a request is made again, how fast, and what is said when it is given up.</summary>
public sealed class S3RetryTests
{
    private static readonly LtxFileName Name = new(1, 1);

    private readonly LeapingClock _clock = new();

    [Theory]
    [InlineData(429, "TooManyRequests")]
    [InlineData(500, "InternalError")]
    [InlineData(503, "SlowDown")]
    public async Task What_may_pass_is_tried_for_a_time_and_then_said(int status, string code)
    {
        await using AnsweringService service = new((_, _) => AnsweringService.Error(status, code));
        await using S3ReplicaStore store = Open(service);

        ReplicaUnreachableException error = await Assert.ThrowsAsync<ReplicaUnreachableException>(() => PutAsync(store));

        Assert.InRange(_clock.Elapsed, S3RetryPolicy.Budget / 2, S3RetryPolicy.Budget * 1.5);
        Assert.True(service.Requests > 4, $"only {service.Requests} requests");
        Assert.Contains(code, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storm_that_passes_is_waited_out()
    {
        await using AnsweringService service = new((number, _) => number < 6 ? AnsweringService.Error(503, "SlowDown") : new(200));
        await using S3ReplicaStore store = Open(service);
        await PutAsync(store);
        Assert.Equal(6, service.Requests);
    }

    [Fact]
    public async Task A_broken_connection_is_tried_again()
    {
        await using AnsweringService service = new((number, _) => number < 4 ? new(0) : new(200));
        await using S3ReplicaStore store = Open(service);
        await PutAsync(store);
        Assert.Equal(4, service.Requests);
    }

    [Fact]
    public async Task Whoever_asks_for_fewer_requests_gets_fewer_until_they_succeed()
    {
        S3Pace pace = new(_clock);
        await pace.WaitAsync(CancellationToken.None);
        Assert.Equal(TimeSpan.Zero, _clock.Elapsed);

        pace.Slow();
        pace.Slow();
        await pace.WaitAsync(CancellationToken.None);
        await pace.WaitAsync(CancellationToken.None); // a second request, that was not refused, waits for its turn too
        Assert.Equal(TimeSpan.FromMilliseconds(100), _clock.Elapsed);
        for (int i = 0; i < 100; i++)
        {
            pace.Slow();
        }

        Assert.InRange(pace.Gap, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        for (int i = 0; i < 40; i++)
        {
            pace.Ease();
        }

        Assert.Equal(TimeSpan.Zero, pace.Gap);
    }

    [Theory]
    [InlineData(403, "AccessDenied", "ReplicaAccessDenied", "needs the right to list")]
    [InlineData(403, "InvalidAccessKeyId", "ReplicaKeyInvalid", "is not known there")]
    [InlineData(403, "SignatureDoesNotMatch", "ReplicaKeyInvalid", "does not fit")]
    [InlineData(400, "ExpiredToken", "ReplicaKeyExpired", "renew it")]
    [InlineData(403, "RequestTimeTooSkewed", "ReplicaClockSkewed", "set it right")]
    [InlineData(404, "NoSuchBucket", "ReplicaBucketNotFound", "no such bucket")]
    public async Task A_refusal_is_said_at_once_with_what_to_do(int status, string code, string id, string advice)
    {
        await using AnsweringService service = new((_, _) => AnsweringService.Error(status, code));
        await using S3ReplicaStore store = Open(service);

        ReplicaAccessDeniedException error = await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => PutAsync(store));

        Assert.Equal(id, error.ErrorId);
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("of-no-secret", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, service.Requests);
    }

    [Fact]
    public async Task A_key_that_is_refused_in_the_middle_of_a_download_is_said_at_once()
    {
        await using AnsweringService service = new((number, _) => number == 1 ? new(200, "12345", 10) : AnsweringService.Error(403, "AccessDenied"));
        await using S3ReplicaStore store = Open(service);
        await using Stream stream = await store.OpenReadAsync(0, Name, 0, null, CancellationToken.None);

        await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => stream.ReadExactlyAsync(new byte[10]).AsTask());

        Assert.Equal(2, service.Requests);
    }

    private S3ReplicaStore Open(AnsweringService service) => new(service.Place, S3Client.Create(service.Place, _clock), _clock);

    private static Task PutAsync(IReplicaStore store) => store.PutAsync(
        0, Name, DateTimeOffset.UnixEpoch, 5, (stream, cancel) => stream.WriteAsync(new byte[5], cancel).AsTask(), CancellationToken.None);
}
