using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;

namespace Litestream.Storage;

/// <summary>Makes the SDK's client for a location.</summary>
internal static class S3Client
{
    // A request that has not been answered by then is given up and made again.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    /// <summary>Makes it. Nothing is asked or sent yet.</summary>
    /// <param name="location">The bucket and how to reach it.</param>
    /// <param name="time">The clock of retries; null for the system's.</param>
    public static AmazonS3Client Create(S3Location location, TimeProvider? time = null)
    {
        AmazonS3Config config = Configure(location);
        return new BudgetedClient(Credentials(location), config, time ?? TimeProvider.System);
    }

    private static AmazonS3Config Configure(S3Location location)
    {
        S3Profile profile = location.Profile;
        string? region = location.Region ?? Environment.GetEnvironmentVariable("AWS_REGION") ?? Environment.GetEnvironmentVariable("AWS_DEFAULT_REGION");
        AmazonS3Config config = new()
        {
            ForcePathStyle = location.ForcePathStyle ?? profile.PathStyle,
            Timeout = AnswerLimit,
            UseArnRegion = true,

            // Trailing checksums come as aws-chunked bodies, which many providers refuse and some store as they are.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (location.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = region ?? profile.Region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region ?? profile.Region);
        }

        if (location.SkipCertificateCheck)
        {
            config.HttpClientFactory = new AnyCertificate();
        }

        return config;
    }

    private static AWSCredentials? Credentials(S3Location location)
    {
        if (location.Credentials is { } given)
        {
            (string id, string secret, string? token) = given.Reveal();
            return Of(id, secret, token);
        }

        // Litestream's own variables come before the SDK's chain, which refreshes what it finds by itself.
        return Environment.GetEnvironmentVariable("LITESTREAM_ACCESS_KEY_ID") is { Length: > 0 } key
            && Environment.GetEnvironmentVariable("LITESTREAM_SECRET_ACCESS_KEY") is { Length: > 0 } its ? Of(key, its, null) : null;
    }

    private static AWSCredentials Of(string id, string secret, string? token) =>
        token is null ? new BasicAWSCredentials(id, secret) : new SessionAWSCredentials(id, secret, token);

    /// <summary>The SDK's client, with our own way of making a request again.</summary>
    private sealed class BudgetedClient(AWSCredentials? credentials, AmazonS3Config config, TimeProvider time)
        : AmazonS3Client(credentials, config) // without credentials the SDK's chain is asked
    {
        protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
        {
            base.CustomizeRuntimePipeline(pipeline);
            pipeline.ReplaceHandler<RetryHandler>(new RetryHandler(new S3RetryPolicy(Config, new S3Pace(time), time)));
        }
    }

    private sealed class AnyCertificate : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new HttpClientHandler
        {
            // Asked for by the user, for a server of his own.
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        })
        { Timeout = AnswerLimit };
    }
}
