using System.Runtime.InteropServices;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;

namespace Litestream.Tests.PowerShell;

/// <summary>The XML of a scheduled task by the rules of the Task Scheduler, which are in ScheduledTask.xsd.</summary>
[Collection("engine")]
public sealed partial class ScheduledTaskTests(PowerShellSession session) : IDisposable
{
    private static readonly XNamespace Task = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("", "out")]
    [InlineData("-User 'A-B\\app'", "out")]
    [InlineData("-LogPath 'C&D.log'", "R&D <'ünï 数据'> and more")]
    public void It_meets_the_rules(string options, string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            folder = folder.Replace('<', '(').Replace('>', ')'); // which no name there may have
        }

        string written = Write(options, folder);

        Assert.Equal("", Faults(written));
        Assert.StartsWith("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task ", written, StringComparison.Ordinal); // what schtasks takes
        XElement exec = XDocument.Parse(written).Descendants(Task + "Exec").Single();
        Assert.Equal(_folder.FullPath, exec.Element(Task + "WorkingDirectory")!.Value);
        Assert.Contains(_folder[folder, "litestream.ps1"], exec.Element(Task + "Arguments")!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(">S4U<", ">s4u<")]
    [InlineData(">LeastPrivilege<", ">Least<")]
    [InlineData(">IgnoreNew<", ">Ignore<")]
    [InlineData(">PT1M<", ">1m<")]
    [InlineData(">PT1M<", ">PT30S<")]
    [InlineData(">PT0S<", ">0<")]
    [InlineData(">255<", ">256<")]
    [InlineData(" Context=\"Author\"", " Context=\"Other\"")]
    [InlineData("2004/02/mit", "2005/02/mit")]
    [InlineData("version=\"1.2\"", "version=\"1\"")]
    [InlineData("<StopIfGoingOnBatteries>", "<RunForever>true</RunForever><StopIfGoingOnBatteries>")]
    [InlineData("encoding=\"UTF-16\"", "encoding=\"UTF-8\"")]
    public void The_rules_find_a_fault(string right, string wrong)
    {
        string written = Write("-User app", "out");
        Assert.Contains(right, written, StringComparison.Ordinal);
        Assert.NotEqual("", Faults(written.Replace(right, wrong, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("plain", "{0}")]
    [InlineData("with space", "\"{0}\"")]
    [InlineData("with\ttab", "\"{0}\"")]
    [InlineData("a\"b", "\"{0}\"")]
    public void A_path_among_the_arguments_is_read_back_as_it_was(string folder, string form)
    {
        if (OperatingSystem.IsWindows() && folder.AsSpan().ContainsAny("\"\t"))
        {
            return; // no name there may have these
        }

        string arguments = XDocument.Parse(Write("", folder)).Descendants(Task + "Arguments").Single().Value;
        string script = _folder[folder, "litestream.ps1"];
        string escaped = folder.Replace("\"", "\\\"", StringComparison.Ordinal);

        Assert.EndsWith(" -File " + string.Format(null, form, _folder[escaped, "litestream.ps1"]), arguments, StringComparison.Ordinal);
        if (OperatingSystem.IsWindows())
        {
            Assert.Equal(script, Split("x.exe " + arguments)[^1]);
        }
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string options, string folder)
    {
        string quoted = folder.Replace("'", "''", StringComparison.Ordinal);
        session.RunIn(
            _folder.FullPath, $"Register-SqliteReplicationService a.db r -Kind ScheduledTask -OutputFolder '{quoted}' {options}").ThrowIfFailed();
        byte[] bytes = File.ReadAllBytes(_folder[folder, "litestream.xml"]);
        Assert.Equal([0xFF, 0xFE], bytes[..2]);
        return Encoding.Unicode.GetString(bytes[2..]);
    }

    private static string Faults(string written)
    {
        using Stream rules = typeof(ScheduledTaskTests).Assembly.GetManifestResourceStream("ScheduledTask.xsd")!;
        using XmlReader ruleReader = XmlReader.Create(rules);
        StringBuilder faults = new();
        XmlReaderSettings settings = new() { ValidationType = ValidationType.Schema, ValidationFlags = XmlSchemaValidationFlags.ReportValidationWarnings | XmlSchemaValidationFlags.ProcessIdentityConstraints };
        settings.Schemas.Add(null, ruleReader);
        settings.ValidationEventHandler += (_, fault) => faults.AppendLine(fault.Message);
        try
        {
            // From bytes, so that the encoding that is declared must be the one that is there.
            using MemoryStream stream = new([0xFF, 0xFE, .. Encoding.Unicode.GetBytes(written)]);
            using XmlReader reader = XmlReader.Create(stream, settings);
            while (reader.Read())
            {
            }
        }
        catch (XmlException exception)
        {
            faults.AppendLine(exception.Message);
        }

        return faults.ToString();
    }

    private static unsafe string[] Split(string commandLine)
    {
        char** first = CommandLineToArgv(commandLine, out int count);
        string[] arguments = new string[count];
        for (int i = 0; i < count; i++)
        {
            arguments[i] = new string(first[i]);
        }

        Marshal.FreeHGlobal((nint)first);
        return arguments;
    }

    [LibraryImport("shell32", EntryPoint = "CommandLineToArgvW", StringMarshalling = StringMarshalling.Utf16)]
    private static unsafe partial char** CommandLineToArgv(string commandLine, out int count);
}
