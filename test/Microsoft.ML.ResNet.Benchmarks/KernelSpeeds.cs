using System.CommandLine;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Network;

/// <summary>
/// How fast the kernels are that train, convolution by convolution and pass by pass, on one thread, beside the multiply-adds that the
/// processor can do at most: in billions of multiplications and additions of the definition a second (Winograd's kernel does fewer).
/// </summary>
internal sealed unsafe class KernelSpeeds(ConvolutionShape shape, int images)
{
    private readonly ConvolutionKernel _kernel = ConvolutionKernel.For(shape, TrainingNetwork.DefaultBatchSize, ShardGroup.DefaultShards);
    private readonly double _operations = 2.0 * images * shape.OutputLength * shape.WeightLength / shape.Outputs;

    /// <summary><c>bench kernels</c> prints a line for each kind of convolution of a network.</summary>
    public static Command Verb(Option<string> architecture, Option<int> size)
    {
        var images = new Option<int>("--images") { Description = "Images of a shard.", DefaultValueFactory = _ => 2 };
        var verb = new Command("kernels", "GFLOP/s of each convolution and pass of a network, by the kernels that train.") { architecture,
            size, images };
        verb.SetAction(result =>
        {
            var plan = NetworkPlan.Of(ArchitectureText.Parse(result.GetValue(architecture)!),
                new ImageShape(3, result.GetValue(size), result.GetValue(size)), classes: 10);
            if (!TrainablePlan.IsSupported(plan, frozenStages: null))
                throw new ArgumentException($"There are no kernels that train {result.GetValue(architecture)}.");
            plan = TrainablePlan.Widened(plan, frozenStages: null) ?? plan;
            Console.WriteLine(FormattableString.Invariant($"peak of a core: {Peak():f1} GFLOP/s"));
            Console.WriteLine("inputs outputs size stride map times: forward, input, weights; the same in GFLOP/s; "
                + "moments, normalise, mask, gradient");
            var totals = (Forward: 0.0, Input: 0.0, Weights: 0.0, Passes: 0.0);
            foreach (var group in plan.Steps.OfType<ConvolutionStep>().Select(TrainingConvolution.ShapeOf).GroupBy(shape => shape))
            {
                var (forward, input, weights, passes) = new KernelSpeeds(group.Key, result.GetValue(images)).Measure(group.Count());
                totals = (totals.Forward + forward, totals.Input + input, totals.Weights + weights, totals.Passes + passes);
            }
            Console.WriteLine(FormattableString.Invariant(
                $"all: forward {totals.Forward:f1}, input {totals.Input:f1}, weights {totals.Weights:f1}, between {totals.Passes:f1} ms"));
        });
        return verb;
    }

    private (double Forward, double Input, double Weights, double Passes) Measure(int times)
    {
        using NativeBuffer weights = Noise(shape.WeightLength), inputs = Noise(images * _kernel.PaddedInputLength),
            gradients = Noise(images * _kernel.PaddedGradientLength), outputs = Noise(images * shape.OutputLength),
            inputGradients = Noise(images * shape.InputLength), panels = new NativeBuffer(images * _kernel.PanelsLength),
            packed = new NativeBuffer(_kernel.PackedLength), scratch = new NativeBuffer(_kernel.ScratchLength + _kernel.CompactLength),
            sums = new NativeBuffer(_kernel.SumsLength, zeroed: true), figures = Noise(5 * shape.Outputs);
        for (var block = 0; block < _kernel.Blocks; block++)
            _kernel.PackForward(block, weights.Pointer, packed.Pointer, scratch.Pointer);
        var forward = Milliseconds(() => _kernel.Forward(inputs.Pointer, packed.Pointer, outputs.Pointer, images, scratch.Pointer));
        for (var block = 0; block < _kernel.InputBlocks; block++)
            _kernel.PackBackward(block, weights.Pointer, packed.Pointer, scratch.Pointer);
        var input = shape.Inputs % 16 != 0 ? 0
            : Milliseconds(() => _kernel.BackwardInput(gradients.Pointer, packed.Pointer, inputGradients.Pointer, images, false,
                scratch.Pointer));
        var byWeights = Milliseconds(() =>
        {
            if (_kernel.GradientIsByBlock)
            {
                for (var image = 0; image < images; image++)
                    _kernel.PackPanels(inputs.Pointer + image * _kernel.PaddedInputLength, panels.Pointer + image * _kernel.PanelsLength);
                for (var block = 0; block < _kernel.Blocks; block++)
                    _kernel.BackwardWeightsOfBlock(block, panels.Pointer, gradients.Pointer, images, scratch.Pointer, sums.Pointer);
            }
            else
            {
                NativeBuffer.Clear(sums.Pointer, _kernel.SumsLength);
                _kernel.BackwardWeights(inputs.Pointer, gradients.Pointer, images, sums.Pointer, scratch.Pointer);
                _kernel.EndBackwardWeights(sums.Pointer);
            }
        });
        var between = MeasureBetween(outputs.Pointer, gradients.Pointer, figures.Pointer);
        Console.WriteLine(FormattableString.Invariant(
            $"{shape.Inputs,6}{shape.Outputs,8}{shape.Size,5}{shape.Stride,7}{shape.Height,4}{times,6} x") + FormattableString.Invariant(
            $" {forward,8:f2}{input,8:f2}{byWeights,8:f2} ms {Speed(forward),7:f1}{Speed(input),7:f1}{Speed(byWeights),7:f1} GFLOP/s")
            + string.Concat(between.Select(each => FormattableString.Invariant($"{each,7:f2}"))) + " ms");
        return (times * forward, times * input, times * byWeights, times * between.Sum());
    }

    // Moments, normalisation, the mask on the way back, the gradient through the normalisation.
    private double[] MeasureBetween(float* outputs, float* gradients, float* figures)
    {
        var (pixels, channels) = (shape.OutputHeight * shape.OutputWidth, shape.Outputs);
        var norm = new ChannelNorm(figures, figures + channels, figures + 2 * channels);
        var back = new ChannelNormGradient(figures, figures + channels, figures + 2 * channels, figures + 3 * channels);
        double[] sums = new double[channels], products = new double[channels];
        return
        [
            Each(image =>
            {
                fixed (double* sum = sums, product = products)
                    ChannelKernels.AddMoments(outputs + image, pixels, channels, 100, sum, product);
            }),
            Each(image => ChannelKernels.NormalizeRelu(outputs + image, pixels, channels, norm, gradients + image)),
            Each(image =>
            {
                fixed (double* sum = sums, product = products)
                    ChannelKernels.MaskByNorm(gradients + image, outputs + image, pixels, channels, norm, sum, product);
            }),
            Each(image => ChannelKernels.NormGradient(gradients + image, outputs + image, pixels, channels, back, gradients + image)),
        ];

        double Each(Action<nint> work) => Milliseconds(() =>
        {
            for (var image = 0; image < images; image++)
                work(image * (nint)shape.OutputLength);
        });
    }

    private double Speed(double milliseconds) => milliseconds == 0 ? 0 : _operations / milliseconds / 1e6;

    private static NativeBuffer Noise(long length)
    {
        var (buffer, random) = (new NativeBuffer(length), new Random(1));
        for (long i = 0; i < length; i++)
            buffer.Pointer[i] = random.NextSingle() - 0.5f;
        return buffer;
    }

    // The best of a few, as other programs only ever make it slower.
    private static double Milliseconds(Action work)
    {
        var best = double.MaxValue;
        var all = Stopwatch.StartNew();
        for (var round = 0; round < 3 || all.ElapsedMilliseconds < 60 && round < 40; round++)
        {
            var clock = Stopwatch.StartNew();
            work();
            best = Math.Min(best, clock.Elapsed.TotalMilliseconds);
        }
        return best;
    }

    private static double Peak()
    {
        const int Rounds = 2_000_000;
        var (width, chains) = (Vector512.IsHardwareAccelerated ? 16 : 8, 12);
        var milliseconds = Milliseconds(() => _ = width == 16 ? Chains512(Rounds) : Chains256(Rounds));
        return 2.0 * width * chains * Rounds / milliseconds / 1e6;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Chains256(int rounds)
    {
        Vector256<float> a, b, c, d, e, f, g, h, i, j, k, l, x = Vector256.Create(0.999f);
        a = b = c = d = e = f = g = h = i = j = k = l = Vector256<float>.One;
        for (; rounds > 0; rounds--)
        {
            (a, b, c) = (Vector256.FusedMultiplyAdd(a, x, x), Vector256.FusedMultiplyAdd(b, x, x), Vector256.FusedMultiplyAdd(c, x, x));
            (d, e, f) = (Vector256.FusedMultiplyAdd(d, x, x), Vector256.FusedMultiplyAdd(e, x, x), Vector256.FusedMultiplyAdd(f, x, x));
            (g, h, i) = (Vector256.FusedMultiplyAdd(g, x, x), Vector256.FusedMultiplyAdd(h, x, x), Vector256.FusedMultiplyAdd(i, x, x));
            (j, k, l) = (Vector256.FusedMultiplyAdd(j, x, x), Vector256.FusedMultiplyAdd(k, x, x), Vector256.FusedMultiplyAdd(l, x, x));
        }
        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Chains512(int rounds)
    {
        Vector512<float> a, b, c, d, e, f, g, h, i, j, k, l, x = Vector512.Create(0.999f);
        a = b = c = d = e = f = g = h = i = j = k = l = Vector512<float>.One;
        for (; rounds > 0; rounds--)
        {
            (a, b, c) = (Vector512.FusedMultiplyAdd(a, x, x), Vector512.FusedMultiplyAdd(b, x, x), Vector512.FusedMultiplyAdd(c, x, x));
            (d, e, f) = (Vector512.FusedMultiplyAdd(d, x, x), Vector512.FusedMultiplyAdd(e, x, x), Vector512.FusedMultiplyAdd(f, x, x));
            (g, h, i) = (Vector512.FusedMultiplyAdd(g, x, x), Vector512.FusedMultiplyAdd(h, x, x), Vector512.FusedMultiplyAdd(i, x, x));
            (j, k, l) = (Vector512.FusedMultiplyAdd(j, x, x), Vector512.FusedMultiplyAdd(k, x, x), Vector512.FusedMultiplyAdd(l, x, x));
        }
        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
