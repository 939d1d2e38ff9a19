using BenchmarkDotNet.Attributes;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Microsoft.ML.ResNet.Benchmarks.Pieces;

/// <summary>One step over all weights of a network; TorchSharp's SGD as the baseline.</summary>
public class OptimizerPieces
{
    private ResidualNetwork _network = null!;
    private ParameterUpdate _sgd = null!;
    private ParameterUpdate _adamW = null!;
    private optim.Optimizer _theirs = null!;

    /// <summary>Whose weights.</summary>
    [Params("cifar-20", "imagenet-18-cifarstem")]
    public string Architecture { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        _network = new ResidualNetwork(ResNetArchitecture.Parse(Architecture), 3, 10);
        using (var generator = new Generator(1, CPU))
            WeightInitialization.Initialize(_network, generator);
        var parameters = StateDictionary.Entries(_network).Where(entry => entry.Tensor is Parameter)
            .Select(entry => new TrainedParameter(entry.Name, (Parameter)entry.Tensor, 5e-4)).ToList();
        _sgd = new Sgd().Start(parameters, join: false);
        _adamW = new AdamW().Start(parameters, join: false);
        _theirs = optim.SGD(parameters.Select(parameter => parameter.Parameter), 1e-9, momentum: 0.9, weight_decay: 5e-4);
        using var scope = NewDisposeScope();
        nn.functional.cross_entropy(_network.forward(randn(2, 3, 32, 32)), zeros(2, ScalarType.Int64)).backward();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _sgd.Dispose();
        _adamW.Dispose();
        _theirs.Dispose();
        _network.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void TorchSharpSgd()
    {
        using var scope = NewDisposeScope();
        _theirs.step();
    }

    [Benchmark]
    public void Sgd() => _sgd.Step(1e-9);

    [Benchmark]
    public void AdamW() => _adamW.Step(1e-9);

    [Benchmark]
    public void ZeroGradients() => _sgd.ZeroGradients();
}
