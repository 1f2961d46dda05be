using System.Management.Automation;
using Litestream.Configuration;

namespace Litestream.PowerShell;

/// <summary>A configuration file as read for a session.</summary>
/// <param name="Path">Full path.</param>
/// <param name="Content">What it says.</param>
/// <param name="Databases">Its databases, those in folders one by one.</param>
internal sealed record ConfigurationFile(string Path, LitestreamConfiguration Content, IReadOnlyList<DatabaseConfiguration> Databases)
{
    /// <summary>What the file says that has no effect, with the file's name.</summary>
    internal List<string> Notes => [.. Content.Notes.Select(note => $"{Path}, {note}.")];

    /// <summary>Reads one; relative paths in it are relative to the session's location.</summary>
    /// <param name="session">The caller's.</param>
    /// <param name="path">As written.</param>
    /// <param name="expand">Replace environment variables.</param>
    /// <exception cref="LitestreamException">It cannot be read, or says what cannot be.</exception>
    internal static ConfigurationFile Read(SessionState session, string path, bool expand)
    {
        string full = DatabasePaths.ResolveLiteral(session, path);
        LitestreamConfiguration content = ConfigurationReader.ReadFile(full, session.Path.CurrentFileSystemLocation.ProviderPath, expand);
        try
        {
            return new ConfigurationFile(full, content, [.. content.Databases.SelectMany(database => database.Expand())]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{full}: a folder of databases cannot be listed: {exception.Message} Nothing was started.", exception) { File = full };
        }
    }
}
