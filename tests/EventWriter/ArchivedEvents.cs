using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Litestream.Tests.EventWriter;

/// <summary>Real events from hours of GitHub Archive (<c>2015-01-01-15.json.gz</c>: a line of JSON each), from the beginning again when they end.</summary>
internal sealed class ArchivedEvents : IEventSource, IDisposable
{
    private readonly string[] _files;
    private StreamReader? _reader;
    private byte[] _json = [];
    private int _file;
    private bool _any;

    /// <summary>Finds the files.</summary>
    /// <param name="path">One <c>.json.gz</c> file, or a folder of them.</param>
    /// <exception cref="IOException">There are none.</exception>
    public ArchivedEvents(string path)
    {
        _files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*.json.gz").Order(StringComparer.Ordinal)] : [path];
        if (_files.Length == 0)
        {
            throw new IOException($"There is no .json.gz file in '{path}'.");
        }
    }

    public string Type { get; private set; } = "";

    public string Actor { get; private set; } = "";

    public string Repository { get; private set; } = "";

    public string CreatedAt { get; private set; } = "";

    public ReadOnlySpan<byte> Json => _json;

    public void Next()
    {
        string line = ReadLine();
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        Type = Text(root, "type");
        Actor = root.TryGetProperty("actor", out JsonElement actor) ? Text(actor, "login") : "";
        Repository = root.TryGetProperty("repo", out JsonElement repository) ? Text(repository, "name") : "";
        CreatedAt = Text(root, "created_at");
        _json = Encoding.UTF8.GetBytes(line);
    }

    public void Dispose() => _reader?.Dispose();

    // Years ago the actor was a text of its own.
    private static string Text(JsonElement element, string name) => element.ValueKind == JsonValueKind.String ? element.GetString()!
        : element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value.ToString()
        : "";

    private string ReadLine()
    {
        while (true)
        {
            _reader ??= new StreamReader(new GZipStream(File.OpenRead(_files[_file]), CompressionMode.Decompress), Encoding.UTF8);
            if (_reader.ReadLine() is { } line)
            {
                if (line.Length == 0)
                {
                    continue;
                }

                _any = true;
                return line;
            }

            _reader.Dispose();
            _reader = null;
            _file = (_file + 1) % _files.Length;
            if (_file == 0 && !_any)
            {
                throw new InvalidDataException($"There is no event in '{_files[0]}'.");
            }
        }
    }
}
