using System.Net;
using Amazon.Runtime;
using Amazon.S3;

namespace Litestream.Storage;

/// <summary>Says what a service's error means for a replica: what happened, what is safe, what to do.</summary>
internal static class S3Failure
{
    private const string Safe = "The files in the replica are whole; what is not in it yet waits beside the database.";

    /// <summary>Whether an exception comes from the service or the way to it, so that <see cref="Translate"/> knows it.</summary>
    /// <param name="error">The exception.</param>
    /// <param name="cancellationToken">The caller's: its cancellation is no failure.</param>
    public static bool IsServiceError(Exception error, CancellationToken cancellationToken) => !cancellationToken.IsCancellationRequested
        && error is AmazonClientException or AmazonServiceException or HttpRequestException or IOException or OperationCanceledException;

    /// <summary>The object is not there.</summary>
    /// <param name="error">What the service said.</param>
    public static bool IsMissingObject(Exception error) =>
        error is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } answer && answer.ErrorCode != "NoSuchBucket";

    /// <summary>A condition of the request did not hold.</summary>
    /// <param name="error">What the service said.</param>
    public static bool IsConditionFailed(Exception error) =>
        error is AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict };

    /// <summary>The service has no conditional requests.</summary>
    /// <param name="error">What the service said.</param>
    public static bool IsNotImplemented(Exception error) => error is AmazonS3Exception { StatusCode: HttpStatusCode.NotImplemented };

    /// <summary>The range begins at or behind the object's end.</summary>
    /// <param name="error">What the service said.</param>
    public static bool IsPastEnd(Exception error) => error is AmazonS3Exception { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable };

    /// <summary>The service refuses us, and will until a person has done something.</summary>
    /// <param name="error">What the service or the SDK said.</param>
    public static bool IsDenied(Exception error) => RefusalOf(error) is not null;

    /// <summary>The exception that a caller of the store gets.</summary>
    /// <param name="error">What the service or the network said.</param>
    /// <param name="doing">What was being done, as a clause: "writing 'x'".</param>
    /// <param name="place">The replica's place, without secrets.</param>
    /// <param name="file">The key that it is about, if one.</param>
    public static LitestreamException Translate(Exception error, string doing, string place, string? file = null)
    {
        string code = (error as AmazonServiceException)?.ErrorCode ?? "";
        string said = $"{doing} failed ({(code.Length > 0 ? code + ": " : "")}{FirstLine(error.Message)}). {Safe}";
        if (RefusalOf(error) is { } refused)
        {
            return new ReplicaAccessDeniedException($"The replica '{place}' refuses us: {said} {refused.Advice}", error)
            {
                Refusal = refused.Why,
                Replica = place,
                File = file,
            };
        }

        string advice = (error as AmazonServiceException)?.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests
            ? "The service asks for fewer requests: they are made more slowly, and the step is done again later."
            : "Check the network and the service; the step is done again.";
        return new ReplicaUnreachableException($"The replica '{place}' cannot be reached just now: {said} {advice}", error)
        {
            Replica = place,
            File = file,
        };
    }

    // The SDK lists all the places that it has looked at, one a line; the exception itself is kept beside.
    private static string FirstLine(string message) => message.Trim().Split('\n')[0].TrimEnd('.', ':', '\r');

    private static (ReplicaRefusal Why, string Advice)? RefusalOf(Exception error)
    {
        HttpStatusCode? status = (error as AmazonServiceException)?.StatusCode;
        return (error as AmazonServiceException)?.ErrorCode switch
        {
            "RequestTimeTooSkewed" or "RequestInTheFuture" or "RequestExpired" =>
                (ReplicaRefusal.ClockSkewed, "The clock of this machine differs too much from the service's: set it right."),
            "ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired" =>
                (ReplicaRefusal.KeyExpired, "The temporary key has expired: renew it."),
            "InvalidAccessKeyId" => (ReplicaRefusal.KeyInvalid, "The access key id is not known there: check it."),
            "SignatureDoesNotMatch" => (ReplicaRefusal.KeyInvalid, "The secret key does not fit the access key id: check it."),
            "NoSuchBucket" => (ReplicaRefusal.BucketNotFound, "There is no such bucket: make it, or correct its name."),
            _ when status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => (
                ReplicaRefusal.NotAllowed, "The key may not do this: it needs the right to list, read, write and delete below the replica's path."),
            _ when error is AmazonClientException && status is null && error.Message.Contains("credential", StringComparison.OrdinalIgnoreCase) => (
                ReplicaRefusal.KeyInvalid,
                "No key was found: give one with -Credential, in LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY, or where the AWS SDK looks."),
            _ => null,
        };
    }
}
