using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Litestream.Tests.Properties.Schedules;

/// <summary>
/// Lets a test act between the statements of code that it calls: SQLite tells it before and after each statement of every connection
/// that was opened on this thread while one is <see cref="Observe">observing</see>.
/// </summary>
internal static unsafe partial class StatementScheduler
{
    private const string Library = "e_sqlite3";
    private const uint Statement = 0x01; // SQLITE_TRACE_STMT: it begins
    private const uint Profile = 0x02; // SQLITE_TRACE_PROFILE: it has ended

    private static readonly bool Registered = sqlite3_auto_extension(&Opened) == 0;

    [ThreadStatic]
    private static bool _observing;

    [ThreadStatic]
    private static Action? _point;

    /// <summary>Opens connections that are observed from then on.</summary>
    public static T Observe<T>(Func<T> open)
    {
        Assert.True(Registered);
        _observing = true;
        try
        {
            return open();
        }
        finally
        {
            _observing = false;
        }
    }

    /// <summary>Runs code; <paramref name="point"/> is called before and after each statement of an observed connection.</summary>
    public static void Run(Action code, Action point)
    {
        _point = point;
        try
        {
            code();
        }
        finally
        {
            _point = null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Opened(nint db, nint error, nint api) => _observing ? sqlite3_trace_v2(db, Statement | Profile, &Traced, 0) : 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Traced(uint what, nint context, nint statement, nint detail)
    {
        // Whatever the point itself does is not a point.
        if (_point is { } point)
        {
            _point = null;
            point();
            _point = point;
        }

        return 0;
    }

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int sqlite3_auto_extension(delegate* unmanaged[Cdecl]<nint, nint, nint, int> entryPoint);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int sqlite3_trace_v2(nint db, uint mask, delegate* unmanaged[Cdecl]<uint, nint, nint, nint, int> callback, nint context);
}
