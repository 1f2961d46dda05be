using System.Security;
using System.Text;

namespace Litestream.PowerShell.Services;

/// <summary>
/// Writes a scheduled task for Windows (Task Scheduler schema 1.2). It starts with the machine, is never ended for having run too long (the usual
/// limit is 72 hours) or for the battery, and is started again a minute after a failure, as often as the schema allows. The Task Scheduler ends a task without notice, so
/// nothing depends on a last sync.
/// </summary>
internal static class ScheduledTask
{
    private const string LocalService = "S-1-5-19";

    /// <summary>Writes it; the file is to be UTF-16, as <c>schtasks</c> expects.</summary>
    /// <param name="service">The service.</param>
    internal static string Write(ServiceDescription service)
    {
        // S4U: as that user, without a stored password.
        string principal = service.User is { } user
            ? $"<UserId>{Escape(user)}</UserId>\n      <LogonType>S4U</LogonType>"
            : $"<UserId>{LocalService}</UserId>";
        string arguments = string.Join(' ', service.Arguments.Select(Quote));
        return $"""
            <?xml version="1.0" encoding="UTF-16"?>
            <Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
              <RegistrationInfo>
                <Description>Replication of SQLite databases ({Escape(service.Name)})</Description>
              </RegistrationInfo>
              <Triggers>
                <BootTrigger>
                  <Enabled>true</Enabled>
                </BootTrigger>
              </Triggers>
              <Principals>
                <Principal id="Author">
                  {principal}
                  <RunLevel>LeastPrivilege</RunLevel>
                </Principal>
              </Principals>
              <Settings>
                <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
                <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
                <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
                <StartWhenAvailable>true</StartWhenAvailable>
                <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
                <RestartOnFailure>
                  <Interval>PT1M</Interval>
                  <Count>255</Count>
                </RestartOnFailure>
              </Settings>
              <Actions Context="Author">
                <Exec>
                  <Command>{Escape(service.Executable)}</Command>
                  <Arguments>{Escape(arguments)}</Arguments>
                  <WorkingDirectory>{Escape(service.WorkingFolder)}</WorkingDirectory>
                </Exec>
              </Actions>
            </Task>

            """.ReplaceLineEndings("\r\n");
    }

    // As CommandLineToArgvW reads it: backslashes are themselves, but before a quotation mark two stand for one.
    private static string Quote(string text)
    {
        if (text.Length > 0 && !text.AsSpan().ContainsAny(" \t\""))
        {
            return text;
        }

        StringBuilder quoted = new("\"");
        int backslashes = 0;
        foreach (char c in text)
        {
            quoted.Append('\\', c == '"' ? backslashes + 1 : 0).Append(c);
            backslashes = c == '\\' ? backslashes + 1 : 0;
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }

    private static string Escape(string text) => SecurityElement.Escape(text);
}
