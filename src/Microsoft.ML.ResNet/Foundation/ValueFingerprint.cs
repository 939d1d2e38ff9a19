using System.Collections;
using System.Globalization;
using System.Reflection;

namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Values as text by which they can be told apart, whatever their own <c>ToString</c> leaves out: every field of every part, in the
/// invariant culture. For values that refer to no cycle.
/// </summary>
internal static class ValueFingerprint
{
    /// <summary>Describes a value, as in <c>Sgd(Momentum 0.9, Nesterov False)</c>.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "none",
        string text => text,
        bool or Enum => value.ToString()!,
        IFormattable number when value.GetType().IsValueType && value.GetType().Namespace == nameof(System)
            => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Describe))}]",
        _ => $"{value.GetType().Name}({DescribeFields(value)})",
    };

    private static string DescribeFields(object value)
        => string.Join(", ", Fields(value.GetType()).Select(field => $"{NameOf(field)} {Describe(field.GetValue(value))}"));

    private static IEnumerable<FieldInfo> Fields(Type? type) => type is null || type == typeof(object)
        ? []
        : Fields(type.BaseType)
            .Concat(type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly));

    // The compiler calls the field of the property P "<P>k__BackingField".
    private static string NameOf(FieldInfo field)
        => field.Name.StartsWith('<') ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name;
}
