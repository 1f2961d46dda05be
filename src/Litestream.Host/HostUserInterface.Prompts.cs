using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace Litestream.Host;

internal sealed partial class HostUserInterface
{
    /// <inheritdoc/>
    public override string ReadLine() => Answer(_reader.ReadLine);

    /// <inheritdoc/>
    public override SecureString ReadLineAsSecureString() => Answer(_reader.ReadSecret);

    /// <inheritdoc/>
    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
    {
        EnsureInteractive();
        WriteQuestion(caption, message);
        Dictionary<string, PSObject> answers = [];
        foreach (FieldDescription field in descriptions)
        {
            Type type = LanguagePrimitives.TryConvertTo(field.ParameterAssemblyFullName, out Type known) ? known : typeof(string);
            answers[field.Name] = PSObject.AsPSObject(AskField(field, type));
        }

        return answers;
    }

    /// <inheritdoc/>
    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        EnsureInteractive();
        WriteQuestion(caption, message);
        (string Key, string Label)[] labels = [.. choices.Select(choice => HotKey(choice.Label))];
        while (true)
        {
            string offer = string.Join("  ", labels.Select(label => $"[{label.Key}] {label.Label}"));
            string preset = defaultChoice >= 0 ? $" (default is \"{labels[defaultChoice].Key}\")" : "";
            Write($"{offer}  [?] Help{preset}: ");
            string answer = ReadLine().Trim();
            if (answer.Length == 0 && defaultChoice >= 0)
            {
                return defaultChoice;
            }

            int choice = Array.FindIndex(labels, label => Same(answer, label.Key) || Same(answer, label.Label));
            if (choice >= 0)
            {
                return choice;
            }

            for (int i = 0; answer == "?" && i < choices.Count; i++)
            {
                WriteLine($"{labels[i].Key} - {choices[i].HelpMessage}");
            }
        }
    }

    /// <inheritdoc/>
    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        PromptForCredential(caption, message, userName, targetName, PSCredentialTypes.Default, PSCredentialUIOptions.Default);

    /// <inheritdoc/>
    public override PSCredential PromptForCredential(
        string caption,
        string message,
        string userName,
        string targetName,
        PSCredentialTypes allowedCredentialTypes,
        PSCredentialUIOptions options)
    {
        EnsureInteractive();
        WriteQuestion(caption, message);
        if (string.IsNullOrEmpty(userName))
        {
            Write("User: ");
            userName = ReadLine();
        }

        Write($"Password for user {userName}: ");
        return new PSCredential(userName, ReadLineAsSecureString());
    }

    private static bool Same(string answer, string name) => string.Equals(answer, name, StringComparison.CurrentCultureIgnoreCase);

    /// <summary>A label marks its key with an ampersand before it: <c>Yes to &amp;All</c>.</summary>
    private static (string Key, string Label) HotKey(string label)
    {
        int mark = label.IndexOf('&', StringComparison.Ordinal);
        string plain = mark < 0 ? label : label.Remove(mark, 1);
        return (mark < 0 || mark >= plain.Length ? plain : plain[mark].ToString().ToUpperInvariant(), plain);
    }

    private object AskField(FieldDescription field, Type type)
    {
        if (type == typeof(PSCredential))
        {
            return PromptForCredential("", "", "", "");
        }

        if (type.IsArray)
        {
            List<object> items = [];
            while (AskValue($"{field.Name}[{items.Count}]", type.GetElementType()!) is { } item)
            {
                items.Add(item);
            }

            return items.ToArray();
        }

        return AskValue(field.Name, type) ?? "";
    }

    private object? AskValue(string name, Type type)
    {
        while (true)
        {
            Write($"{name}: ");
            if (type == typeof(SecureString))
            {
                return ReadLineAsSecureString();
            }

            string text = ReadLine();
            if (text.Length == 0)
            {
                return null;
            }

            if (LanguagePrimitives.TryConvertTo(text, type, out object value))
            {
                return value;
            }

            WriteErrorLine($"\"{text}\" is no {type.Name}.");
        }
    }

    private void WriteQuestion(string caption, string message)
    {
        foreach (string line in new[] { caption, message })
        {
            if (!string.IsNullOrEmpty(line))
            {
                WriteLine(line);
            }
        }
    }

    private T Answer<T>(Func<T?> read)
        where T : class
    {
        EnsureInteractive();
        return read() ?? throw new PSInvalidOperationException("Standard input ended before the question was answered.");
    }

    private void EnsureInteractive()
    {
        if (!interactive)
        {
            throw new PSInvalidOperationException(
                "Litestream.Host is in NonInteractive mode. Read and Prompt functionality is not available.");
        }
    }
}
