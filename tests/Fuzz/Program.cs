using Litestream.Tests.Fuzz;
using SharpFuzz;

// Under afl-fuzz: Litestream.Tests.Fuzz <target>, once the engine is instrumented (docs/testing.md).
if (args is not [{ } name] || !FuzzTargets.All.TryGetValue(name, out Action<byte[]>? target))
{
    Console.Error.WriteLine($"Usage: Litestream.Tests.Fuzz <{string.Join('|', FuzzTargets.All.Keys)}>");
    return 64;
}

Fuzzer.OutOfProcess.Run(stream =>
{
    using var bytes = new MemoryStream();
    stream.CopyTo(bytes);
    target(bytes.ToArray());
});
return 0;
