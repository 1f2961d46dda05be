using System.Reflection;
using System.Reflection.Emit;

namespace Litestream.Tests.Unit;

/// <summary>One place where a type of one room (the last part of its namespace) uses a type of another.</summary>
internal sealed record RoomUse(string From, string To, string Member, string Used)
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>Every use in base types, attributes, fields, signatures and the code of methods.</summary>
    public static IEnumerable<RoomUse> In(Assembly assembly, string root)
    {
        foreach (Type type in assembly.GetTypes())
        {
            if (Room(type, root) is not { } from)
            {
                continue;
            }

            foreach ((string member, Type used) in UsesOf(type))
            {
                if (Room(used, root) is { } to && to != from)
                {
                    yield return new RoomUse(from, to, member, used.FullName ?? used.Name);
                }
            }
        }
    }

    private static string? Room(Type type, string root) =>
        type.Namespace is { } name && name.StartsWith(root + ".", StringComparison.Ordinal) ? name[(root.Length + 1)..] : null;

    private static IEnumerable<(string Member, Type Used)> UsesOf(Type type)
    {
        IEnumerable<Type> ofType = [.. type.GetInterfaces(), .. type.BaseType is { } baseType ? [baseType] : Type.EmptyTypes];
        ofType = [.. ofType, .. Attributes(type), .. type.GetFields(Declared).SelectMany(field => Attributes(field).Append(field.FieldType))];
        foreach (Type used in ofType.SelectMany(Parts))
        {
            yield return (type.FullName!, used);
        }

        foreach (MethodBase method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)))
        {
            // A record's parameter is a member of the type itself: its constructor says no more than the type.
            string member = method is ConstructorInfo ? type.FullName! : $"{type.FullName}.{method.Name}";
            foreach (Type used in Signature(method).Concat(Body(method)).SelectMany(Parts))
            {
                yield return (member, used);
            }
        }
    }

    private static IEnumerable<Type> Attributes(MemberInfo member) => member.CustomAttributes.SelectMany(attribute =>
        attribute.ConstructorArguments.Select(argument => argument.Value).OfType<Type>().Append(attribute.AttributeType));

    private static IEnumerable<Type> Signature(MethodBase method) =>
        [.. Attributes(method), .. method.GetParameters().Select(parameter => parameter.ParameterType),
            .. method is MethodInfo info ? [info.ReturnType] : Type.EmptyTypes];

    /// <summary>The types behind each token in a method's code, its local variables and its exception handlers.</summary>
    private static IEnumerable<Type> Body(MethodBase method)
    {
        if (method.GetMethodBody() is not { } body)
        {
            yield break;
        }

        foreach (LocalVariableInfo local in body.LocalVariables)
        {
            yield return local.LocalType;
        }

        foreach (ExceptionHandlingClause clause in body.ExceptionHandlingClauses)
        {
            if (clause.Flags == ExceptionHandlingClauseOptions.Clause && clause.CatchType is { } caught)
            {
                yield return caught;
            }
        }

        Type[]? ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        foreach (int token in Tokens(body.GetILAsByteArray()!))
        {
            MemberInfo? member = method.Module.ResolveMember(token, ofType, ofMethod);
            IEnumerable<Type?> used = member switch
            {
                Type type => [type],
                FieldInfo field => [field.DeclaringType, field.FieldType],
                MethodBase called => [called.DeclaringType, .. called.IsGenericMethod ? called.GetGenericArguments() : []],
                _ => [],
            };
            foreach (Type type in used.OfType<Type>())
            {
                yield return type;
            }
        }
    }

    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (int at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE)
            {
                value = unchecked((short)((value << 8) | code[at++]));
            }

            OperandType operand = OpCodesByValue[value].OperandType;
            if (operand is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
            {
                yield return BitConverter.ToInt32(code, at);
            }

            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        while (type.HasElementType)
        {
            type = type.GetElementType()!;
        }

        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
    }
}
