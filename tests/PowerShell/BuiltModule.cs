using System.Reflection;

namespace Litestream.Tests.PowerShell;

/// <summary>Where the build has put the host and the module.</summary>
internal static class BuiltModule
{
    // Tests that were published for another machine are told where the host was published to.
    private static readonly string HostFolder = Environment.GetEnvironmentVariable("LITESTREAM_TESTS_HOST") ?? Metadata("HostFolder");

    /// <summary>The console host's executable.</summary>
    public static string HostExecutable { get; } =
        Path.Combine(HostFolder, OperatingSystem.IsWindows() ? "Litestream.Host.exe" : "Litestream.Host");

    /// <summary>The module's folder.</summary>
    public static string Folder { get; } = Path.Combine(HostFolder, "module", "Litestream");

    /// <summary>The module's manifest.</summary>
    public static string Manifest { get; } = Path.Combine(Folder, "Litestream.psd1");

    /// <summary>Another module, which brings an older SQLite for .NET.</summary>
    public static string OtherModule { get; } = Metadata("OtherModule");

    private static string Metadata(string key) => typeof(BuiltModule).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key).Value!;
}
