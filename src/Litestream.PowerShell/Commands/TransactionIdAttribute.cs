using System.Globalization;
using System.Management.Automation;

namespace Litestream.PowerShell.Commands;

/// <summary>Takes a transaction id as a number, in decimal, or in hex: with <c>0x</c>, or as the 16 digits of a replica file's name.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TransactionIdAttribute : ArgumentTransformationAttribute
{
    private const int HexDigits = 16;

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is not string text ? inputData : Parse(text.Trim()) ?? throw new ArgumentTransformationMetadataException(
            $"'{text}' is no transaction id. Give a number, 0x and hex digits, or the 16 hex digits of a replica file's name.");
    }

    private static ulong? Parse(string text)
    {
        bool prefixed = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return prefixed || text.Length == HexDigits
            ? ulong.TryParse(prefixed ? text.AsSpan(2) : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong hex) ? hex : (ulong?)null
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : (ulong?)null;
    }
}
