using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace Litestream.Tools.Help;

/// <summary>What the cmdlet itself says of one of its parameters.</summary>
/// <param name="Name">Without the dash.</param>
/// <param name="Type">As PowerShell writes it.</param>
/// <param name="Values">What it can be, where that is a list.</param>
/// <param name="Range">From and to, in words; empty if there is none.</param>
/// <param name="Default">Empty if there is none, or none that can be named.</param>
/// <param name="Aliases">Other names.</param>
/// <param name="Wildcards">Takes patterns.</param>
/// <param name="Uses">In the parameter sets that have it.</param>
public sealed record ParameterDescription(
    string Name,
    string Type,
    IReadOnlyList<string> Values,
    string Range,
    string Default,
    IReadOnlyList<string> Aliases,
    bool Wildcards,
    IReadOnlyList<ParameterUse> Uses)
{
    /// <summary>A switch has no value.</summary>
    public bool IsSwitch => Type == "switch";

    /// <summary>The facts in one line.</summary>
    public string Facts => string.Join(" · ", ((string?[])
    [
        Values.Count > 0 ? string.Join(", ", Values) : Type,
        Range.Length > 0 ? Range : null,
        Required,
        Uses[0].Position is { } position ? string.Create(CultureInfo.InvariantCulture, $"position {position}") : null,
        Pipeline,
        Wildcards ? "wildcards" : null,
        Default.Length > 0 ? $"default {Default}" : null,
        Aliases.Count > 0 ? $"also -{string.Join(", -", Aliases)}" : null,
    ]).Where(fact => fact is not null));

    private string? Required => Uses.All(use => use.Mandatory) ? "required" : null;

    private string? Pipeline => (Uses.Any(use => use.FromPipeline), Uses.Any(use => use.FromProperty)) switch
    {
        (true, true) => "from the pipeline, by value or property",
        (true, false) => "from the pipeline, by value",
        (false, true) => "from the pipeline, by property",
        _ => null,
    };

    /// <summary>Describes a parameter.</summary>
    /// <param name="parameter">As the engine knows it.</param>
    /// <param name="uses">In the sets that have it.</param>
    /// <param name="fresh">An instance of the cmdlet, for the defaults.</param>
    internal static ParameterDescription From(CommandParameterInfo parameter, IReadOnlyList<ParameterUse> uses, object fresh)
    {
        Type bare = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        ValidateSetAttribute? set = parameter.Attributes.OfType<ValidateSetAttribute>().FirstOrDefault();
        ValidateRangeAttribute? range = parameter.Attributes.OfType<ValidateRangeAttribute>().FirstOrDefault();
        return new ParameterDescription(
            parameter.Name,
            TypeName(bare),
            bare.IsEnum ? Enum.GetNames(bare) : set?.ValidValues.ToArray() ?? [],
            range is null ? "" : RangeOf(range),
            DefaultOf(fresh.GetType().GetProperty(parameter.Name)?.GetValue(fresh)),
            parameter.Aliases,
            parameter.Attributes.OfType<SupportsWildcardsAttribute>().Any(),
            uses);
    }

    private static string TypeName(Type type) => type switch
    {
        { IsArray: true } => TypeName(type.GetElementType()!) + "[]",
        { Namespace: "System" or "System.Management.Automation" or "System.Security" } => Microsoft.PowerShell.ToStringCodeMethods.Type(PSObject.AsPSObject(type)).Replace("System.", "", StringComparison.Ordinal),
        _ => type.Name,
    };

    private static string RangeOf(ValidateRangeAttribute range) => range.MaxRange is int.MaxValue or long.MaxValue or ulong.MaxValue
        ? string.Create(CultureInfo.InvariantCulture, $"at least {range.MinRange}")
        : string.Create(CultureInfo.InvariantCulture, $"{range.MinRange} to {range.MaxRange}");

    private static string DefaultOf(object? value) => value switch
    {
        null or "" or SwitchParameter or 0UL or int.MaxValue or DateTimeOffset => "",
        TimeSpan time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds}s"),
        IEnumerable list and not string => string.Join(", ", list.Cast<object>()),
        Enum or IConvertible => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        _ => "",
    };
}
