using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Values as text by which they can be told apart, whatever their own <c>ToString</c> leaves out: every public property of every part, in
/// the order of their names and in the invariant culture. How a type keeps its values inside makes no difference, and no checkpoint
/// unreadable. For values that refer to no cycle.
/// </summary>
internal static class ValueFingerprint
{
    /// <summary>Describes a value, as in <c>Sgd(Momentum 0.9, Nesterov False)</c>.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "none",
        IFingerprinted own => own.Fingerprint,
        string text => text,
        bool or Enum => value.ToString()!,
        IFormattable number when value.GetType().IsValueType && value.GetType().Namespace == nameof(System)
            => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Describe))}]",
        _ => $"{value.GetType().Name}({string.Join(", ", Properties(value.GetType()).Select(Of(value)))})",
    };

    private static Func<PropertyInfo, string> Of(object value) => property => $"{property.Name} {Describe(property.GetValue(value))}";

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "This assembly is kept whole; callers name the types of others.")]
    private static IEnumerable<PropertyInfo> Properties(Type type) => type.GetProperties(BindingFlags.Instance | BindingFlags.Public)
        .Where(property => property.GetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0)
        .OrderBy(property => property.Name, StringComparer.Ordinal);
}

/// <summary>A value that tells itself what it can be told apart by, because its public properties do not.</summary>
internal interface IFingerprinted
{
    /// <summary>Equal for equal values, different for different ones, and the same on every machine.</summary>
    string Fingerprint { get; }
}
