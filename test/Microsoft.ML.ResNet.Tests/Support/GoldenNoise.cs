using System.Text.Json;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// The reproducible noise with which the golden networks are filled: the formulas of <c>Golden/README.md</c>, restated.
/// All hashing is in unsigned 32-bit arithmetic, all values are computed in double and rounded to float once.
/// </summary>
internal static class GoldenNoise
{
    private const int ImageTensor = 1000;

    /// <summary>The values of a state entry.</summary>
    /// <param name="name">Its name in the state dictionary; the last part chooses the formula.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="k">Its index among all entries of the state, <c>num_batches_tracked</c> included.</param>
    public static float[] Tensor(string name, long[] shape, int k)
    {
        var count = (int)shape.Aggregate(1L, (product, dimension) => product * dimension);
        var scale = shape.Length >= 2 ? Math.Sqrt(1.0 / (count / (double)shape[0])) : 0;
        Func<double, double> formula = name[(name.LastIndexOf('.') + 1)..] switch
        {
            "num_batches_tracked" => _ => 0,
            _ when shape.Length >= 2 => noise => noise * scale,
            "running_var" => noise => 1 + 0.1 * noise,
            "running_mean" => noise => 0.05 * noise,
            "bias" => noise => 0.1 * noise,
            _ => noise => 1 + 0.1 * noise,
        };
        return [.. Enumerable.Range(0, count).Select(j => (float)formula(Noise((uint)j, (uint)k)))];
    }

    /// <summary>A block of images, n x c x h x w, with values in [-1, 1).</summary>
    public static float[] Images(int n, int c, int h, int w) =>
        [.. Enumerable.Range(0, n * c * h * w).Select(j => (float)Noise((uint)j, ImageTensor))];

    /// <summary>The state of a network in <c>Golden/architectures.json</c>: names and shapes in PyTorch's order.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> State(string network)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path("architectures.json")));
        return [.. document.RootElement.GetProperty("nets").GetProperty(network).GetProperty("state").EnumerateArray()
            .Select(entry => (entry[0].GetString()!, entry[1].EnumerateArray().Select(size => size.GetInt64()).ToArray()))];
    }

    /// <summary>The path of a golden file.</summary>
    public static string Path(string fileName) => System.IO.Path.Combine(AppContext.BaseDirectory, "Golden", fileName);

    private static double Noise(uint j, uint k)
    {
        unchecked
        {
            var x = j * 0x9E3779B1u + k * 0x85EBCA77u + 1;
            x ^= x >> 16;
            x *= 0x7FEB352Du;
            x ^= x >> 15;
            x *= 0x846CA68Bu;
            x ^= x >> 16;
            return x / 2147483648.0 - 1;
        }
    }
}
