using System.Globalization;
using System.Numerics;

namespace Samples.Measuring;

/// <summary>
/// A sum of numbers of double precision without any rounding: the order of the numbers, and how they are grouped, do not matter.
/// </summary>
internal sealed class ExactSum
{
    private const int LeastExponent = -1074; // of the smallest double above 0: all others are multiples of it
    private const int MostExponent = 1023;
    private const int MantissaBits = 52;
    private const int LongestText = 600; // a sum of 2^64 of the largest doubles has 541 digits

    private BigInteger _units; // each 2^LeastExponent

    /// <summary>The sum, rounded once to the nearest double, of two equally near ones to the even one.</summary>
    public double Value
    {
        get
        {
            const int MostBits = 64;
            var size = BigInteger.Abs(_units);
            var shift = (int)Math.Max(0, size.GetBitLength() - MostBits);
            var top = (ulong)(size >> shift);
            if (!(size & ((BigInteger.One << shift) - 1)).IsZero)
                top |= 1; // what is cut off decides between two doubles that are equally near
            return _units.Sign * Math.ScaleB((double)top, shift + LeastExponent);
        }
    }

    /// <summary>Adds a number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is infinite or not a number.</exception>
    public void Add(double value)
    {
        if (!double.IsFinite(value))
            throw new ArgumentOutOfRangeException(nameof(value), value, "Expected a finite number.");
        var bits = BitConverter.DoubleToInt64Bits(Math.Abs(value));
        var exponent = (int)(bits >> MantissaBits);
        var mantissa = bits & ((1L << MantissaBits) - 1);
        var units = exponent == 0 ? mantissa : (BigInteger)(mantissa | 1L << MantissaBits) << (exponent - 1);
        _units += value < 0 ? -units : units;
    }

    /// <summary>Adds what another sum has.</summary>
    public void Add(ExactSum other) => _units += other._units;

    /// <summary>All bits of it, such as <c>3p-2</c>: hexadecimal 3, times 2^-2.</summary>
    public override string ToString()
    {
        var size = BigInteger.Abs(_units);
        var zeros = size.IsZero ? -LeastExponent : (int)(size & -size).GetBitLength() - 1;
        var digits = (size >> zeros).ToString("x", CultureInfo.InvariantCulture).TrimStart('0');
        return string.Create(CultureInfo.InvariantCulture,
            $"{(_units.Sign < 0 ? "-" : "")}{(digits.Length == 0 ? "0" : digits)}p{zeros + LeastExponent}");
    }

    /// <summary>Reads what <see cref="ToString"/> has written.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static ExactSum Parse(string text)
    {
        var mark = text.IndexOf('p');
        var start = text.StartsWith('-') ? 1 : 0;
        if (text.Length > LongestText || mark <= start
            || !BigInteger.TryParse($"0{text[start..mark]}", NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var digits)
            || !int.TryParse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
            || exponent is < LeastExponent or > MostExponent)
            throw new FormatException($"Expected a sum such as 3p-2, found '{text[..Math.Min(text.Length, 40)]}'.");
        var units = digits << (exponent - LeastExponent);
        return new ExactSum { _units = start == 1 ? -units : units };
    }
}
