using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Litestream.Tests.EventWriter;

/// <summary>Makes events of the shape that GitHub's public timeline has, some 300 to 900 bytes of JSON each, the same for the same seed.</summary>
internal sealed class GitHubEvents(int seed) : IEventSource
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // About as often as they come in a day of the public timeline.
    private static readonly string[] Types =
    [
        "PushEvent", "PushEvent", "PushEvent", "PushEvent", "PushEvent", "PushEvent", "PushEvent", "PushEvent", "PushEvent", "PushEvent",
        "CreateEvent", "CreateEvent", "CreateEvent", "PullRequestEvent", "PullRequestEvent", "IssueCommentEvent", "IssuesEvent", "WatchEvent",
        "WatchEvent", "ForkEvent",
    ];

    private static readonly string[] Words =
    [
        "fix", "add", "remove", "update", "the", "parser", "test", "for", "when", "page", "is", "empty", "handle", "null", "user", "cache",
        "index", "of", "build", "docs", "retry", "on", "timeout", "größe", "naïve", "日本語", "log", "error", "bump", "version", "to", "merge",
    ];

    // Letters outside ASCII stand as UTF-8, as they do in the timeline's files.
    private static readonly JsonWriterOptions JsonOptions =
        new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Random _random = new(seed);
    private readonly ArrayBufferWriter<byte> _json = new(2048);
    private readonly byte[] _hash = new byte[20];
    private long _clock;

    public string Type { get; private set; } = "";

    public string Actor { get; private set; } = "";

    public string Repository { get; private set; } = "";

    public string CreatedAt { get; private set; } = "";

    public ReadOnlySpan<byte> Json => _json.WrittenSpan;

    public void Next()
    {
        int actor = (int)(100_000 * Math.Pow(_random.NextDouble(), 3));
        int repository = (int)(50_000 * Math.Pow(_random.NextDouble(), 2));
        _clock += _random.Next(1000);
        Type = Types[_random.Next(Types.Length)];
        Actor = string.Create(CultureInfo.InvariantCulture, $"dev-{actor:x}");
        Repository = string.Create(CultureInfo.InvariantCulture, $"org{repository % 977}/project-{repository}");
        CreatedAt = Begin.AddMilliseconds(_clock).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        _json.ResetWrittenCount();
        using Utf8JsonWriter json = new(_json, JsonOptions);
        json.WriteStartObject();
        json.WriteString("id"u8, (40_000_000_000 + _clock).ToString(CultureInfo.InvariantCulture));
        json.WriteString("type"u8, Type);
        WriteActor(json, actor);
        WriteRepository(json, repository);
        json.WriteStartObject("payload"u8);
        WritePayload(json);
        json.WriteEndObject();
        json.WriteBoolean("public"u8, true);
        json.WriteString("created_at"u8, CreatedAt);
        json.WriteEndObject();
    }

    private void WriteActor(Utf8JsonWriter json, int id)
    {
        json.WriteStartObject("actor"u8);
        json.WriteNumber("id"u8, id);
        json.WriteString("login"u8, Actor);
        json.WriteString("gravatar_id"u8, "");
        json.WriteString("url"u8, $"https://api.example.org/users/{Actor}");
        json.WriteEndObject();
    }

    private void WriteRepository(Utf8JsonWriter json, int id)
    {
        json.WriteStartObject("repo"u8);
        json.WriteNumber("id"u8, id);
        json.WriteString("name"u8, Repository);
        json.WriteString("url"u8, $"https://api.example.org/repos/{Repository}");
        json.WriteEndObject();
    }

    private void WritePayload(Utf8JsonWriter json)
    {
        switch (Type)
        {
            case "PushEvent":
                json.WriteNumber("push_id"u8, _random.NextInt64(1L << 40));
                json.WriteString("ref"u8, "refs/heads/main");
                json.WriteString("before"u8, Hash());
                json.WriteStartArray("commits"u8);
                for (int i = _random.Next(1, 3); i > 0; i--)
                {
                    json.WriteStartObject();
                    json.WriteString("sha"u8, Hash());
                    json.WriteString("message"u8, Sentence(4, 20));
                    json.WriteBoolean("distinct"u8, true);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                break;
            case "WatchEvent":
                json.WriteString("action"u8, "started");
                break;
            case "CreateEvent":
                json.WriteString("ref"u8, Sentence(1, 2));
                json.WriteString("ref_type"u8, "branch");
                json.WriteString("description"u8, Sentence(3, 25));
                break;
            case "ForkEvent":
                json.WriteStartObject("forkee"u8);
                json.WriteString("full_name"u8, $"{Actor}/fork");
                json.WriteString("description"u8, Sentence(3, 25));
                json.WriteNull("license"u8);
                json.WriteEndObject();
                break;
            default:
                WriteDiscussion(json);
                break;
        }
    }

    private void WriteDiscussion(Utf8JsonWriter json)
    {
        json.WriteString("action"u8, _random.Next(2) == 0 ? "opened" : "closed");
        json.WriteStartObject(Type == "PullRequestEvent" ? "pull_request"u8 : "issue"u8);
        json.WriteNumber("number"u8, _random.Next(1, 20_000));
        json.WriteString("title"u8, Sentence(3, 12));
        json.WriteStartArray("labels"u8);
        for (int i = _random.Next(3); i > 0; i--)
        {
            json.WriteStringValue(Sentence(1, 2));
        }

        json.WriteEndArray();
        json.WriteString("body"u8, Sentence(5, 60));
        json.WriteEndObject();
    }

    private string Hash()
    {
        _random.NextBytes(_hash);
        return Convert.ToHexStringLower(_hash);
    }

    private string Sentence(int least, int most)
    {
        StringBuilder text = new();
        for (int i = _random.Next(least, most); i > 0; i--)
        {
            text.Append(Words[_random.Next(Words.Length)]).Append(i > 1 ? " " : "");
        }

        return text.ToString();
    }
}
