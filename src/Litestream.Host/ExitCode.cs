namespace Litestream.Host;

/// <summary>How the process ends where no script says otherwise; the numbers are <c>pwsh</c>'s.</summary>
internal static class ExitCode
{
    /// <summary>The last statement succeeded.</summary>
    internal const int Success = 0;

    /// <summary>The last statement failed, or an error ended the script.</summary>
    internal const int Failure = 1;

    /// <summary>The command line cannot be understood, or the script file is not there (EX_USAGE of sysexits.h).</summary>
    internal const int BadCommandLine = 64;

    /// <summary>A signal ended the process: 128 and the signal's number, as shells report it.</summary>
    internal const int Hangup = 128 + 1;

    /// <summary>SIGTERM ended the process.</summary>
    internal const int Terminated = 128 + 15;
}
