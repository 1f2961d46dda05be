using System.Reflection;
using Litestream.Tests.Windows;

namespace Litestream.Tests.Unit;

/// <summary>
/// The test assembly as a program: runs one static method of a test class in a process of its own, for what needs a second
/// process (locks, a kill, failing system calls). <see cref="ChildProcess"/> starts it.
/// </summary>
internal static class ChildProgram
{
    public static async Task<int> Main(string[] args)
    {
        if (args.Length < 2 || args[0].StartsWith("--", StringComparison.Ordinal))
        {
            return TestAssembly.Run(args);
        }

        MethodInfo method = Assembly.GetExecutingAssembly().GetType(args[0], throwOnError: true)!
            .GetMethod(args[1], BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            ?? throw new MissingMethodException(args[0], args[1]);
        await (Task)method.Invoke(null, [args[2..]])!;
        return 0;
    }
}
