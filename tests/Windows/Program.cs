namespace Litestream.Tests.Windows;

/// <summary>The entry of a test project that is published as a program.</summary>
internal static class Program
{
    public static int Main(string[] args) => TestAssembly.Run(args);
}
