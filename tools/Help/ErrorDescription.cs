using System.Management.Automation;
using System.Reflection;

namespace Litestream.Tools.Help;

/// <summary>A row of the module's table of errors.</summary>
/// <param name="Id">Stable id.</param>
/// <param name="Category">The engine's category.</param>
/// <param name="Meaning">What has happened.</param>
/// <param name="Action">What to do.</param>
public sealed record ErrorDescription(string Id, string Category, string Meaning, string Action)
{
    /// <summary>Reads the table of a module, which is not public in it.</summary>
    /// <param name="module">The cmdlets' assembly.</param>
    public static IReadOnlyList<ErrorDescription> Of(Assembly module)
    {
        Type table = module.GetType("Litestream.PowerShell.ErrorTable", throwOnError: true)!;
        object rows = table.GetProperty("All", BindingFlags.Static | BindingFlags.NonPublic)!.GetValue(null)!;
        return
        [
            .. ((IEnumerable<(string Id, ErrorCategory Category, string Meaning, string Action)>)rows)
                .Select(row => new ErrorDescription(row.Id, row.Category.ToString(), row.Meaning, row.Action)),
        ];
    }
}
