using System.Globalization;

namespace Microsoft.ML.ResNet.Network;

/// <summary>The classes that a network tells apart: how many, and the values that the labels have, if they have any.</summary>
/// <param name="count">How many classes there are.</param>
internal class ClassLabels(int count)
{
    /// <summary>How many classes there are.</summary>
    public int Count => count;

    /// <summary>
    /// The type of the values, <see cref="ReadOnlyMemory{T}"/> of characters for text; <see langword="null"/> where labels are numbers that
    /// stand for nothing but themselves.
    /// </summary>
    public virtual Type? ValueType => null;

    /// <summary>
    /// The values, an array of <see cref="ValueType"/>; <see langword="null"/> where there are none. Nobody writes to it.
    /// </summary>
    public virtual Array? ValueArray => null;

    /// <summary>One name for each class: its value as text, or, without values, its number from 0.</summary>
    public virtual IReadOnlyList<string> Names { get; } =
        [.. Enumerable.Range(0, count).Select(index => index.ToString(CultureInfo.InvariantCulture))];

    /// <summary>What the classes of a validation set have that those of the training set lack, and the other way round.</summary>
    /// <param name="validation">The classes of the validation set, which are not these, or in another order.</param>
    public string Difference(ClassLabels validation)
    {
        string?[] sides = [Only(validation, this, "only the validation set has"), Only(this, validation, "only the training set has")];
        var differences = sides.OfType<string>().ToList();
        return differences.Count > 0 ? string.Join("; ", differences) : "they are the same in another order";

        static string? Only(ClassLabels these, ClassLabels others, string who)
        {
            var names = these.Names.Except(others.Names, StringComparer.Ordinal).Select(name => $"'{name}'").ToList();
            return names.Count == 0 ? null : $"{who} {string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", ..." : "")}";
        }
    }

    /// <summary>Makes classes whose values have a type that is known at run time only.</summary>
    /// <param name="type">One of the types that labels can have.</param>
    /// <param name="source">Delivers the values.</param>
    /// <exception cref="NotSupportedException">Labels cannot have that type.</exception>
    public static ClassLabels Create(Type type, IValueSource source) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => Of(source.Values<bool>()),
        TypeCode.DateTime => Of(source.Values<DateTime>()),
        TypeCode.Single => Of(source.Values<float>()),
        TypeCode.Double => Of(source.Values<double>()),
        TypeCode.SByte => Of(source.Values<sbyte>()),
        TypeCode.Int16 => Of(source.Values<short>()),
        TypeCode.Int32 => Of(source.Values<int>()),
        TypeCode.Int64 => Of(source.Values<long>()),
        TypeCode.Byte => Of(source.Values<byte>()),
        TypeCode.UInt16 => Of(source.Values<ushort>()),
        TypeCode.UInt32 => Of(source.Values<uint>()),
        TypeCode.UInt64 => Of(source.Values<ulong>()),
        _ when type == typeof(ReadOnlyMemory<char>) => Of(source.Values<ReadOnlyMemory<char>>()),
        _ when type == typeof(DateTimeOffset) => Of(source.Values<DateTimeOffset>()),
        _ when type == typeof(TimeSpan) => Of(source.Values<TimeSpan>()),
        _ => throw new NotSupportedException($"Labels of type {type} are not supported. Label images by text, numbers or truth values."),
    };

    /// <summary>Makes classes that are named by text.</summary>
    public static ClassLabels OfNames(IEnumerable<string> names) => Of([.. names.Select(name => name.AsMemory())]);

    /// <summary>Shows the values to a visitor, if there are any.</summary>
    /// <returns>Whether there are any.</returns>
    public virtual bool TryShowTo(IValueVisitor visitor) => false;

    private static ClassLabels<T> Of<T>(T[] values) => new(values);

    /// <summary>Delivers values of whatever type the classes turn out to have.</summary>
    internal interface IValueSource
    {
        /// <summary>The values, one for each class.</summary>
        T[] Values<T>();
    }

    /// <summary>Is shown the values of classes, whatever their type.</summary>
    internal interface IValueVisitor
    {
        /// <summary>Is shown the values.</summary>
        /// <param name="values">One for each class; nobody writes to it.</param>
        void Visit<T>(T[] values);
    }
}

/// <summary>Classes that are told apart by values.</summary>
/// <param name="values">One for each class.</param>
internal sealed class ClassLabels<T>(T[] values) : ClassLabels(values.Length)
{
    /// <inheritdoc/>
    public override Type ValueType => typeof(T);

    /// <inheritdoc/>
    public override Array ValueArray => values;

    /// <summary>One for each class.</summary>
    public IReadOnlyList<T> Values => values;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } =
        [.. values.Select(value => string.Create(CultureInfo.InvariantCulture, $"{value}"))];

    /// <inheritdoc/>
    public override bool TryShowTo(IValueVisitor visitor)
    {
        visitor.Visit(values);
        return true;
    }
}
