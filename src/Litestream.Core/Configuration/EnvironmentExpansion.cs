using System.Globalization;
using System.Text;

namespace Litestream.Configuration;

/// <summary><c>$NAME</c> and <c>${NAME}</c> in the whole text of a file, as Litestream's own expansion does it; <c>$PID</c> is our process.</summary>
internal static class EnvironmentExpansion
{
    /// <summary>Expands.</summary>
    /// <param name="text">The file.</param>
    /// <param name="variable">Value of a variable; null if it is not set. It becomes nothing then.</param>
    /// <returns>The text, and each variable that is not set with the line that names it, from 1.</returns>
    public static (string Text, IReadOnlyList<(string Name, int Line)> Unset) Expand(string text, Func<string, string?> variable)
    {
        StringBuilder result = new(text.Length);
        List<(string Name, int Line)> unset = [];
        int line = 1;
        for (int i = 0; i < text.Length; i++)
        {
            line += text[i] == '\n' ? 1 : 0;
            if (text[i] != '$' || NameAt(text, i + 1) is not (string name, int length))
            {
                result.Append(text[i]);
                continue;
            }

            string? value = name == "PID" ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : variable(name);
            if (value is null)
            {
                unset.Add((name, line));
            }

            result.Append(value);
            i += length;
        }

        return (result.ToString(), unset);
    }

    private static (string Name, int Length)? NameAt(string text, int start)
    {
        bool braced = start < text.Length && text[start] == '{';
        int first = braced ? start + 1 : start;
        int end = first;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        if (end == first || (braced && (end == text.Length || text[end] != '}')))
        {
            return null;
        }

        return (text[first..end], end - start + (braced ? 1 : 0));
    }
}
