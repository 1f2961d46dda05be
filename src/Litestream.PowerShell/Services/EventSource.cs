using System.Runtime.Versioning;
using System.Security;
using Microsoft.Win32;

namespace Litestream.PowerShell.Services;

/// <summary>
/// The source of our entries in the Application log of Windows. Registered, it has the Event Viewer show their text as it is: the
/// message file of Windows' own eventcreate says just "%1" for every id from 1 to 1000.
/// </summary>
internal static class EventSource
{
    /// <summary>Its name.</summary>
    internal const string Name = "Litestream";

    private const string Key = @"SYSTEM\CurrentControlSet\Services\EventLog\Application\" + Name;
    private const string MessageFile = @"%SystemRoot%\System32\EventCreate.exe";
    private const int ErrorWarningInformation = 7;

    /// <summary>Registers it.</summary>
    /// <returns>Why it could not be; null if it is. Entries are written without it too.</returns>
    [SupportedOSPlatform("windows")]
    internal static string? TryRegister() => Try(() =>
    {
        using RegistryKey key = Registry.LocalMachine.CreateSubKey(Key);
        key.SetValue("EventMessageFile", MessageFile, RegistryValueKind.ExpandString);
        key.SetValue("TypesSupported", ErrorWarningInformation, RegistryValueKind.DWord);
    });

    /// <summary>Removes it. What was written stays in the log.</summary>
    /// <returns>Why it could not be; null if it is gone.</returns>
    [SupportedOSPlatform("windows")]
    internal static string? TryRemove() => Try(() => Registry.LocalMachine.DeleteSubKey(Key, throwOnMissingSubKey: false));

    private static string? Try(Action change)
    {
        try
        {
            change();
            return null;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or SecurityException or IOException)
        {
            return exception.Message;
        }
    }
}
