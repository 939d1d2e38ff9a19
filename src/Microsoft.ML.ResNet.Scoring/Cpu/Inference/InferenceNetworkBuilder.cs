using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Lays the steps of a plan out as layers over maps. A map is handed on as soon as nobody reads it any more: to the step that adds to it,
/// in place, or to a later step whose output has the same layout.
/// </summary>
internal sealed class InferenceNetworkBuilder
{
    private const int FewestPixelsOf4x4 = 256; // 16 tiles: what kernels compute at once

    private readonly FoldedWeights _weights;
    private readonly TileKernel _kernel;
    private readonly List<FeatureMap> _maps = [];
    private readonly List<InferenceLayer> _layers = [];
    private readonly List<(ConvolutionLayer, FoldedConvolution)> _toPack = [];
    private readonly Dictionary<PlanStep, FeatureMap> _mapOf = [];
    private readonly Dictionary<PlanStep, PlanStep> _lastReader = [];
    private readonly Dictionary<PlanStep, int> _border = [];
    private readonly Dictionary<MapLayout, Stack<FeatureMap>> _free = [];

    /// <param name="plan">The network.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="kernel">Computes tiles.</param>
    public InferenceNetworkBuilder(NetworkPlan plan, FoldedWeights weights, TileKernel kernel)
    {
        (_weights, _kernel) = (weights, kernel);
        foreach (var step in plan.Steps)
            foreach (var read in step.Reads)
            {
                _lastReader[read] = step;
                _border[read] = Math.Max(step.Padding, _border.GetValueOrDefault(read));
            }
        foreach (var step in plan.Steps)
            Add(step);
        Input = _mapOf[plan.Steps[0]];
    }

    /// <summary>The map of the images.</summary>
    public FeatureMap Input { get; }

    /// <summary>The map that a step writes: it holds the step's output until a later layer writes it.</summary>
    public FeatureMap this[PlanStep step] => _mapOf[step];

    /// <summary>All maps, by index.</summary>
    public IReadOnlyList<FeatureMap> Maps => _maps;

    /// <summary>All layers, in order.</summary>
    public IReadOnlyList<InferenceLayer> Layers => _layers;

    /// <summary>The layers whose weights have to be packed, and the weights.</summary>
    public IReadOnlyList<(ConvolutionLayer Layer, FoldedConvolution Weights)> ToPack => _toPack;

    /// <summary>The layout of the map that a step writes.</summary>
    /// <param name="step">The step.</param>
    /// <param name="border">Pixels of zeros that its readers want around it.</param>
    public static MapLayout LayoutOf(PlanStep step, int border) => step switch
    {
        ImageStep => new(step.Output, border, Math.Min(step.Output.Channels, MapLayout.FullBlock)),
        AveragePoolStep or LinearStep => new(step.Output, Border: 0, MapLayout.FullBlock),
        _ => new(step.Output, Math.Max(1, border), MapLayout.FullBlock), // never 0, so that maps of one shape have one layout
    };

    private void Add(PlanStep step)
    {
        if (step is ImageStep)
        {
            _mapOf[step] = NewMap(LayoutOf(step, _border[step]));
            return;
        }
        var input = _mapOf[step.Input];
        var output = _mapOf[step] = step is ConvolutionStep { Adds: { } sum } ? TakeOver(sum, step) : MapFor(step);
        _layers.Add(step switch
        {
            ConvolutionStep convolution => Convolution(convolution, input, output),
            MaxPoolStep => new MaxPool(input, output),
            ChannelPaddingStep padding => new ChannelPadding(input, output, padding.Stride),
            AveragePoolStep => new AveragePool(input, output),
            LinearStep linear => Linear(linear, input, output),
            _ => throw new NotSupportedException($"There is no layer for {step.GetType().Name}."),
        });
        foreach (var read in step.Reads.Where(read => _lastReader[read] == step && _mapOf[read] != output))
            Release(_mapOf[read]);
    }

    private ConvolutionLayer Convolution(ConvolutionStep step, FeatureMap input, FeatureMap output)
    {
        var (folded, accumulates) = (_weights.Of(step), step.Adds is not null);
        return WithWeights<ConvolutionLayer>(folded, TileSizeOf(step, input.Layout) switch
        {
            4 => new WinogradConvolution<Winograd4x4>(_kernel, folded, input, output)
            { Accumulates = accumulates, Rectifies = step.Rectifies },
            2 => new WinogradConvolution<Winograd2x2>(_kernel, folded, input, output)
            { Accumulates = accumulates, Rectifies = step.Rectifies },
            _ => new DirectConvolution(_kernel, folded, step.Stride, input, output)
            { Accumulates = accumulates, Rectifies = step.Rectifies },
        });
    }

    // Output pixels on a side of the tiles of Winograd's convolution that is fastest; 0 where none pays.
    private static int TileSizeOf(ConvolutionStep step, MapLayout input)
    {
        var (inputs, outputs) = (input.Shape.Channels, step.Output.Channels);
        if (!Vector128.IsHardwareAccelerated || step.Kernel != 3 || step.Stride != 1 || input.BlockChannels != MapLayout.FullBlock
            || Math.Min(inputs, outputs) < MapLayout.FullBlock)
            return 0;
        return WinogradConvolution<Winograd4x4>.Covers(input.Shape) && input.Shape.PlaneSize >= FewestPixelsOf4x4
            && (long)inputs * outputs <= WinogradTransforms.MostPairsOf4x4 ? 4
            : WinogradConvolution<Winograd2x2>.Covers(input.Shape) && input.Shape.PlaneSize >= WinogradTransforms.FewestPixels
                ? 2
                : 0;
    }

    private DirectConvolution Linear(LinearStep step, FeatureMap input, FeatureMap output)
    {
        var weights = _weights.Of(step);
        return WithWeights(weights, new DirectConvolution(_kernel, weights, 1, input, output));
    }

    private T WithWeights<T>(FoldedConvolution weights, T layer) where T : ConvolutionLayer
    {
        _toPack.Add((layer, weights));
        return layer;
    }

    // What is added to becomes the output: nobody may read it afterwards.
    private FeatureMap TakeOver(PlanStep sum, PlanStep step) => _lastReader[sum] == step
        ? _mapOf[sum]
        : throw new NotSupportedException($"The output of '{sum.Name}' is read after '{step.Name}' has added to it in place.");

    private FeatureMap MapFor(PlanStep step)
    {
        var layout = LayoutOf(step, _border.GetValueOrDefault(step));
        return _free.TryGetValue(layout, out var free) && free.TryPop(out var map) ? map : NewMap(layout);
    }

    private FeatureMap NewMap(MapLayout layout)
    {
        var map = new FeatureMap(_maps.Count, layout);
        _maps.Add(map);
        return map;
    }

    private void Release(FeatureMap map)
    {
        if (!_free.TryGetValue(map.Layout, out var free))
            _free.Add(map.Layout, free = new());
        free.Push(map);
    }
}
