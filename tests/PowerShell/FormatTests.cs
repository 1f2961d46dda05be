using System.Management.Automation;
using System.Management.Automation.Language;
using System.Xml.Linq;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class FormatTests(PowerShellSession session)
{
    private static readonly XDocument Views = XDocument.Load(Path.Combine(BuiltModule.Folder, "Litestream.Format.ps1xml"));

    [Fact]
    public void Every_view_shows_properties_that_its_type_has()
    {
        session.Run("New-SqliteReplicaLocation s3://bucket/app").ThrowIfFailed(); // so that Core is loaded, beside which the engine does not look
        foreach (XElement view in Views.Descendants("View"))
        {
            string name = view.Descendants("TypeName").Single().Value;
            Type type = AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetType(name)).Single(found => found is not null)!;
            string[] shown =
            [
                .. view.Descendants("PropertyName").Select(property => property.Value),
                .. view.Descendants("ScriptBlock").SelectMany(script => PropertiesOf(script.Value)),
            ];

            Assert.NotEmpty(shown);
            Assert.All(shown, property => Assert.NotNull(type.GetProperty(property)));
        }
    }

    [Fact]
    public void Every_type_that_a_cmdlet_puts_out_has_a_view()
    {
        HashSet<string> viewed = [.. Views.Descendants("TypeName").Select(name => name.Value)];
        IEnumerable<Type> types = session.Run("(Get-Command -Module Litestream).OutputType").ThrowIfFailed().Output
            .Select(output => ((PSTypeName)output.BaseObject).Type).Where(type => type.Namespace == "Litestream.PowerShell");

        Assert.All(types, type => Assert.Contains(type.FullName!, viewed));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(4404019, "4.2 MiB")]
    [InlineData(734003200, "700 MiB")]
    [InlineData(5497558138880, "5.0 TiB")]
    public void Sizes_are_readable(long bytes, string text) => Assert.Equal(text, Readable("Size($args[0])", bytes));

    [Theory]
    [InlineData("00:00:00", "0 ms")]
    [InlineData("00:00:00.0123", "12 ms")]
    [InlineData("00:00:03.4", "3.4 s")]
    [InlineData("00:02:05", "2 min 5 s")]
    [InlineData("03:20:00", "3 h 20 min")]
    [InlineData("5.02:00:00", "5 d 2 h")]
    public void Times_are_readable(string time, string text) => Assert.Equal(text, Readable("Duration($args[0])", TimeSpan.Parse(time, null)));

    private static IEnumerable<string> PropertiesOf(string script) =>
        Parser.ParseInput(script, out _, out ParseError[] errors) is var ast && errors.Length == 0
            ? ast.FindAll(node => node is MemberExpressionAst
            {
                Static: false, Expression: VariableExpressionAst { VariablePath.UserPath: "_" },
            } and not InvokeMemberExpressionAst, searchNestedScriptBlocks: false)
                .Select(node => ((MemberExpressionAst)node).Member.SafeGetValue().ToString()!)
            : throw new FormatException(script);

    private string Readable(string call, object argument) =>
        (string)session.Run($"[Litestream.PowerShell.Readable]::{call}", argument).Single().BaseObject;
}
