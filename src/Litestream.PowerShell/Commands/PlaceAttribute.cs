using System.Collections;
using System.Management.Automation;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>Takes the place of a replica as text, or as an object of New-SqliteReplicaLocation, whose key and options then go with it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PlaceAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value switch
        {
            ReplicaLocation location => SessionLocations.TextOf(location),
            string => inputData,
            IEnumerable several => several.Cast<object>().Select(one => Transform(engineIntrinsics, one)).ToArray(),
            _ => inputData,
        };
    }
}
