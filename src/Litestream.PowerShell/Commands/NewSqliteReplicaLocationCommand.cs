using System.Management.Automation;
using System.Net;
using System.Security;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Describes a replica's place with all that is needed to reach it.</para>
/// <para type="description">What it puts out can be given to every parameter that takes a place, and so can its address from then on in this
/// session. Nothing is read or written yet. The key is shown by no property, message or view.</para>
/// </summary>
[Cmdlet(VerbsCommon.New, "SqliteReplicaLocation")]
[OutputType(typeof(ReplicaLocation))]
public sealed class NewSqliteReplicaLocationCommand : AsyncCmdlet
{
    /// <summary><c>s3://bucket/path</c>, a folder path or a <c>file://</c> URL. Options may stand in its query.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompletions("s3://")]
    public string Url { get; set; } = "";

    /// <summary>The service: a URL, or a host and port. Without it: Amazon.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Endpoint { get; set; }

    /// <summary>The service's region.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompletions("auto", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-northeast-1", "ap-southeast-1")]
    public string? Region { get; set; }

    /// <summary>Access key id as the user name, secret access key as the password. Without it: LITESTREAM_ACCESS_KEY_ID and
    /// LITESTREAM_SECRET_ACCESS_KEY, or what the AWS SDK finds (environment, profile, container, instance).</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The session's token, for a temporary key.</summary>
    [Parameter]
    public SecureString? SessionToken { get; set; }

    /// <summary>Puts the bucket's name into the path instead of the host's name. The provider's profile decides otherwise.</summary>
    [Parameter]
    public SwitchParameter ForcePathStyle { get; set; }

    /// <summary>Storage class of the files, for instance STANDARD_IA.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompletions("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR")]
    public string? StorageClass { get; set; }

    /// <summary>AES256 (SSE-S3) or aws:kms.</summary>
    [Parameter]
    [ValidateSet("AES256", "aws:kms")]
    public string? ServerSideEncryption { get; set; }

    /// <summary>The key for aws:kms.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? KmsKeyId { get; set; }

    /// <summary>The key for SSE-C: 32 bytes in Base64.</summary>
    [Parameter]
    public SecureString? CustomerKey { get; set; }

    /// <summary>Bytes of a part of a large file: 5 MiB to 64 MiB.</summary>
    [Parameter]
    public int? PartSize { get; set; }

    /// <summary>Parts of a large file, and captured files that wait, on their way side by side, 1 to 16.</summary>
    [Parameter]
    public int? Concurrency { get; set; }

    /// <summary>Takes any TLS certificate, for a server of one's own.</summary>
    [Parameter]
    public SwitchParameter SkipCertificateCheck { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (TryResolve(() => Describe(DatabasePaths.ResolvePlace(SessionState, Url)), Url.Split('?')[0], out ReplicaLocation? location))
        {
            WriteObject(SessionLocations.Remember(location));
        }
    }

    private ReplicaLocation Describe(ReplicaLocation place)
    {
        if (place is not S3Location location)
        {
            return MyInvocation.BoundParameters.Keys.FirstOrDefault(name => name != nameof(Url) && !CommonParameters.Contains(name)) is { } option
                ? throw new ReplicaLocationException($"-{option} is about S3, but '{place}' is a folder. Nothing was written.") { Replica = place.Address }
                : place;
        }

        return S3Url.Validate(location with
        {
            Endpoint = Endpoint is null ? location.Endpoint : S3Url.EndpointOf(Endpoint),
            Region = Region ?? location.Region,
            Credentials = Key() ?? location.Credentials,
            ForcePathStyle = ForcePathStyle.IsPresent ? ForcePathStyle.ToBool() : location.ForcePathStyle,
            StorageClass = StorageClass ?? location.StorageClass,
            ServerSideEncryption = ServerSideEncryption ?? (KmsKeyId is null ? location.ServerSideEncryption : "aws:kms"),
            KmsKeyId = KmsKeyId ?? location.KmsKeyId,
            CustomerKey = CustomerKey is null ? location.CustomerKey : new S3CustomerKey(Reveal(CustomerKey)),
            PartSize = PartSize ?? location.PartSize,
            Concurrency = Concurrency ?? location.Concurrency,
            SkipCertificateCheck = SkipCertificateCheck || location.SkipCertificateCheck,
        });
    }

    private S3Credentials? Key() => Credential is null || ReferenceEquals(Credential, PSCredential.Empty)
        ? null
        : new S3Credentials(Credential.UserName, Reveal(Credential.Password), SessionToken is null ? null : Reveal(SessionToken));

    private static string Reveal(SecureString secret) => new NetworkCredential("", secret).Password;
}
