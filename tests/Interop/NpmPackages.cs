namespace Litestream.Tests.Interop;

/// <summary>The npm packages of the lock file, installed beside the tests once for each content of it.</summary>
internal static class NpmPackages
{
    private const string LockFile = "package-lock.json";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly string[] NetworkErrors =
        ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "E404", "ETARGET"];

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "npm-installed");

    /// <summary>Path of a file of a package.</summary>
    public static string PathOf(string package, string file) => Path.Combine(Folder, "node_modules", Path.Combine(package.Split('/')), file);

    /// <summary>Installs them, if that was not done.</summary>
    /// <param name="package">The one that is needed.</param>
    /// <param name="file">A file of it that must be there then.</param>
    /// <returns>Why it is not there, by the name of what is missing; null if it is.</returns>
    public static async Task<string?> InstallAsync(string package, string file)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "npm");
        string wanted = await File.ReadAllTextAsync(Path.Combine(source, LockFile));
        string stamp = Path.Combine(Folder, "installed-lock.json");
        if (!File.Exists(stamp) || await File.ReadAllTextAsync(stamp) != wanted)
        {
            Directory.CreateDirectory(Folder);
            foreach (string name in new[] { "package.json", LockFile })
            {
                File.Copy(Path.Combine(source, name), Path.Combine(Folder, name), overwrite: true);
            }

            if (await InstallAsync(package) is { } absence)
            {
                return absence;
            }

            await File.WriteAllTextAsync(stamp, wanted);
        }

        return File.Exists(PathOf(package, file)) ? null : $"npm has no package {package} here";
    }

    /// <summary>Why it cannot be installed, if npm or the network is missing; any other failure is an error of the tests.</summary>
    private static async Task<string?> InstallAsync(string package)
    {
        // Not "npm ci": it wants the packages of all platforms in the lock file, of which each platform needs one.
        Command.Result? result = await Command.RunAsync(
            Patience, OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["install", "--prefix", Folder, "--no-audit", "--no-fund"]);
        if (result is null)
        {
            return $"npm is not installed, which brings the package {package}";
        }

        if (result.ExitCode == 0)
        {
            return null;
        }

        return NetworkErrors.FirstOrDefault(code => result.Errors.Contains($"code {code}", StringComparison.Ordinal)) is { } error
            ? $"npm could not fetch the package {package} ({error})"
            : throw new InvalidOperationException($"npm install failed: {result.Errors}");
    }
}
