using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Litestream.Tests.Windows;

/// <summary>
/// Runs the tests of this assembly in this process: a published test project is its own runner, for machines without an SDK.
/// <c>[--class NAME] [--filter PART-OF-A-NAME] [--without FILE] [--limit SECONDS]</c>; each line of the file is the beginning of a test's name and, after a
/// space, why it is not run here. <c>--classes all</c> prints the names of the classes that hold tests, and runs none.
/// </summary>
internal static class TestAssembly
{
    /// <summary>Runs them.</summary>
    /// <param name="args">The command line.</param>
    /// <returns>0 if all that ran have passed.</returns>
    public static int Run(string[] args)
    {
        if (args.Where((_, i) => i % 2 == 0).FirstOrDefault(name => name is not ("--classes" or "--class" or "--filter" or "--without" or "--limit")) is { } unknown)
        {
            Console.Error.WriteLine($"'{unknown}' is not known. Usage: [--classes all] [--class NAME] [--filter PART-OF-A-NAME] [--without FILE] [--limit SECONDS]");
            return 64;
        }

        if (Option(args, "--classes") is not null)
        {
            Console.WriteLine(string.Join(Environment.NewLine, TestClasses().Select(type => type.FullName).Order(StringComparer.Ordinal)));
            return 0;
        }

        string? filter = Option(args, "--filter");
        TimeSpan limit = Option(args, "--limit") is { } seconds
            ? TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture))
            : Timeout.InfiniteTimeSpan;
        Dictionary<string, string> without = Option(args, "--without") is { } file ? ReadReasons(file) : [];
        HashSet<string> left = [];
        Type[] classes = [.. TestClasses().Where(type => Option(args, "--class") is not { } only || type.FullName == only)
            .Where(type => !LeaveOut($"{type.FullName}.", without, left))];
        AssemblyName name = Assembly.GetExecutingAssembly().GetName();
        using XunitTestFramework framework = new(new NullMessageSink());
        List<ITestCase> cases = Discover(framework, classes, filter);
        cases.RemoveAll(test => LeaveOut(test.DisplayName, without, left));
        using Results results = new();
        using (ITestFrameworkExecutor executor = framework.GetExecutor(name))
        {
            executor.RunTests(cases, results, new Options());
            if (!results.Finished.WaitOne(limit))
            {
                results.GiveUp();
                Summarise(name, results, left.Count + results.NotTried);
                Environment.Exit(1); // the tests' threads would keep the process
            }
        }

        Summarise(name, results, left.Count + results.NotTried);
        return results.Failed == 0 && cases.Count + left.Count > 0 ? 0 : 1;
    }

    private static void Summarise(AssemblyName name, Results results, int left) => Console.WriteLine(
        $"{(results.Failed == 0 ? "Passed!" : "Failed!")}  - Failed: {results.Failed,5}, Passed: {results.Passed,5}, "
        + $"Skipped: {left,5}, Total: {results.Failed + results.Passed + left,5}, - {name.Name}.dll");

    private static IEnumerable<Type> TestClasses() => Assembly.GetExecutingAssembly().GetExportedTypes()
        .Where(type => !type.IsAbstract && type.GetMethods().Any(method => method.CustomAttributes.Any(mark => mark.AttributeType.IsAssignableTo(typeof(Xunit.FactAttribute)))));

    private static List<ITestCase> Discover(XunitTestFramework framework, Type[] classes, string? filter)
    {
        using Discovery found = new();
        using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(Assembly.GetExecutingAssembly()));
        foreach (Type type in classes)
        {
            // One by one, so that what is not run is not asked for its cases: where that fails, the runtime at times dies under Wine 8 while it
            // writes down the exception.
            discoverer.Find(type.FullName!, includeSourceInformation: false, found, new Options());
            found.Finished.WaitOne();
            found.Finished.Reset();
        }

        return [.. found.Cases.Where(test => filter is null || test.DisplayName.Contains(filter, StringComparison.Ordinal))];
    }

    private static bool LeaveOut(string test, Dictionary<string, string> without, HashSet<string> left)
    {
        foreach ((string start, string reason) in without)
        {
            if (test.StartsWith(start, StringComparison.Ordinal))
            {
                if (left.Add(test))
                {
                    Console.WriteLine($"not run: {test.TrimEnd('.')}: {reason}");
                }

                return true;
            }
        }

        return false;
    }

    private static Dictionary<string, string> ReadReasons(string file) =>
        File.ReadLines(file).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ', 2)).ToDictionary(part => part[0], part => part[1]);

    private static string? Option(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }

    private sealed class Discovery : LongLivedMarshalByRefObject, IMessageSink, IDisposable
    {
        public ConcurrentQueue<ITestCase> Cases { get; } = [];

        public ManualResetEvent Finished { get; } = new(false);

        public bool OnMessage(IMessageSinkMessage message)
        {
            if (message is ITestCaseDiscoveryMessage found)
            {
                Cases.Enqueue(found.TestCase);
            }
            else if (message is IDiscoveryCompleteMessage)
            {
                Finished.Set();
            }

            return true;
        }

        public void Dispose() => Finished.Dispose();
    }

    private sealed class Results : LongLivedMarshalByRefObject, IMessageSink, IDisposable
    {
        // With this a test begins its output that lacks here what it needs.
        private const string NotTriedWord = "Not tried: ";

        private readonly ConcurrentDictionary<string, long> _running = [];
        private int _passed;
        private int _failed;
        private int _notTried;

        public int Passed => _passed;

        public int Failed => _failed;

        public int NotTried => _notTried;

        public ManualResetEvent Finished { get; } = new(false);

        public bool OnMessage(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestPassed passed when passed.Output.StartsWith(NotTriedWord, StringComparison.Ordinal):
                    Interlocked.Increment(ref _notTried);
                    Console.WriteLine($"not run: {passed.Test.DisplayName}: {passed.Output[NotTriedWord.Length..].Trim()}");
                    _running.TryRemove(passed.Test.DisplayName, out _);
                    break;
                case ITestPassed passed:
                    Interlocked.Increment(ref _passed);
                    _running.TryRemove(passed.Test.DisplayName, out _);
                    break;
                case ITestFailed failed:
                    Fail(failed.Test.DisplayName, failed);
                    _running.TryRemove(failed.Test.DisplayName, out _);
                    break;
                case ITestStarting starting:
                    _running[starting.Test.DisplayName] = Stopwatch.GetTimestamp();
                    break;
                case IErrorMessage error:
                    Fail("the run", error);
                    break;
                case ITestAssemblyFinished:
                    Finished.Set();
                    break;
                case IFailureInformation failure:
                    Fail(message.GetType().Name, failure);
                    break;
            }

            return true;
        }

        /// <summary>Names what has not ended, each as a failure.</summary>
        public void GiveUp()
        {
            foreach ((string test, long since) in _running)
            {
                Interlocked.Increment(ref _failed);
                Console.WriteLine($"FAILED {test}{Environment.NewLine}  has not ended after {Stopwatch.GetElapsedTime(since).TotalSeconds:0} s");
            }
        }

        public void Dispose() => Finished.Dispose();

        private void Fail(string what, IFailureInformation failure)
        {
            Interlocked.Increment(ref _failed);
            Console.WriteLine($"FAILED {what}{Environment.NewLine}  {string.Join($"{Environment.NewLine}  ", failure.Messages)}");
            Console.WriteLine(string.Join(Environment.NewLine, failure.StackTraces));
        }
    }

    private sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
