using System.Management.Automation;

namespace Litestream.Tools.Help;

/// <summary>What a cmdlet itself says of how it is called.</summary>
/// <param name="Name">Verb and noun.</param>
/// <param name="HelpFile">The name of the file that the engine looks for.</param>
/// <param name="Sets">Each way to call it, its parameters in the engine's order.</param>
/// <param name="Parameters">All of them but the common ones.</param>
/// <param name="Outputs">Full names of the types that it puts out.</param>
public sealed record CommandDescription(
    string Name,
    string HelpFile,
    IReadOnlyList<CommandParameterSetInfo> Sets,
    IReadOnlyList<ParameterDescription> Parameters,
    IReadOnlyList<string> Outputs)
{
    /// <summary>Describes a cmdlet.</summary>
    /// <param name="cmdlet">As the engine knows it.</param>
    public static CommandDescription From(CmdletInfo cmdlet)
    {
        object fresh = Activator.CreateInstance(cmdlet.ImplementingType)!;
        ILookup<string, (CommandParameterInfo Parameter, ParameterUse Use)> all = cmdlet.ParameterSets
            .SelectMany(set => Own(set).Select(parameter => (parameter, UseOf(set, parameter))))
            .ToLookup(entry => entry.parameter.Name);
        return new CommandDescription(
            cmdlet.Name,
            Path.GetFileName(cmdlet.HelpFile),
            cmdlet.ParameterSets,
            [.. all.Select(uses => ParameterDescription.From(uses.First().Parameter, [.. uses.Select(entry => entry.Use)], fresh))],
            [.. cmdlet.OutputType.Select(output => output.Name).Where(name => name != typeof(void).FullName)]);
    }

    /// <summary>The parameters of a set that are the cmdlet's own, -WhatIf and -Confirm among them.</summary>
    /// <param name="set">Of the cmdlet.</param>
    public static IEnumerable<CommandParameterInfo> Own(CommandParameterSetInfo set) =>
        set.Parameters.Where(parameter => !Cmdlet.CommonParameters.Contains(parameter.Name));

    private static ParameterUse UseOf(CommandParameterSetInfo set, CommandParameterInfo parameter) => new(
        set.Name,
        parameter.IsMandatory,
        parameter.Position >= 0 ? parameter.Position : null,
        parameter.ValueFromPipeline,
        parameter.ValueFromPipelineByPropertyName);
}
