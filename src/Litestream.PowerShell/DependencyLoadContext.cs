using System.Reflection;
using System.Runtime.Loader;

namespace Litestream.PowerShell;

/// <summary>
/// Holds Litestream.Core and the packages behind it apart from every other module's. PowerShell itself would look for the native
/// library only as <c>&lt;rid&gt;/e_sqlite3</c> beside the assembly, and would share whatever version of a package came first.
/// </summary>
/// <remarks>
/// PowerShell loads every public type of the module before it runs a line of it, and a type's layout needs the types of its fields if
/// they are value types. So no public type here may have a field of an enum or struct of Core: such a property keeps its value as a
/// number. In signatures, and as fields of internal types, they are welcome.
/// </remarks>
internal sealed class DependencyLoadContext : AssemblyLoadContext
{
    private const string CoreAssembly = "Litestream.Core";

    private static readonly Lock Gate = new();
    private static DependencyLoadContext? _instance;
    private static int _imports;

    private readonly AssemblyDependencyResolver _resolver;

    private DependencyLoadContext(string corePath)
        : base("Litestream")
    {
        _resolver = new AssemblyDependencyResolver(corePath);
    }

    /// <summary>Makes Core resolvable; once for each import of the module, in whatever runspace.</summary>
    internal static void Attach()
    {
        lock (Gate)
        {
            if (_imports++ == 0)
            {
                Default.Resolving += ResolveCore;
            }
        }
    }

    /// <summary>Undoes one <see cref="Attach"/>. What is loaded stays loaded.</summary>
    internal static void Detach()
    {
        lock (Gate)
        {
            if (_imports > 0 && --_imports == 0)
            {
                Default.Resolving -= ResolveCore;
            }
        }
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName) =>
        _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;

    /// <inheritdoc/>
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;

    private static Assembly? ResolveCore(AssemblyLoadContext context, AssemblyName name)
    {
        if (name.Name != CoreAssembly)
        {
            return null;
        }

        lock (Gate)
        {
            _instance ??= new DependencyLoadContext(CorePath());
        }

        return _instance.LoadFromAssemblyName(name);
    }

    private static string CorePath()
    {
        string folder = Path.GetDirectoryName(typeof(DependencyLoadContext).Assembly.Location)!;
        return Path.Combine(folder, "dependencies", CoreAssembly + ".dll");
    }
}
