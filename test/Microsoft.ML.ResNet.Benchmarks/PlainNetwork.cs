using Microsoft.ML.ResNet;
using TorchSharp.Modules;
using static TorchSharp.torch;

/// <summary>
/// The same networks as ours, as a user of TorchSharp writes them: its own modules, default memory layout, no tricks. The yardstick for
/// what the library gains, so nothing of the library is used but the description of the architecture.
/// </summary>
internal sealed class PlainNetwork : nn.Module<Tensor, Tensor>
{
    private readonly Sequential _body;
    private readonly Linear _fc;

    /// <param name="architecture">The plan; projections as shortcuts, and a stem that does not pool.</param>
    /// <param name="classes">Outputs.</param>
    public PlainNetwork(ResNetArchitecture architecture, int classes) : base(nameof(PlainNetwork))
    {
        if (architecture.Stem != ResNetStem.Cifar || architecture.Shortcut != ResNetShortcut.Projection)
            throw new ArgumentException(
                $"{architecture.Name} has a stem that pools or shortcuts without a convolution; the plain network has neither.",
                nameof(architecture));
        _body = nn.Sequential(nn.Conv2d(3, architecture.StemWidth, 3, padding: 1, bias: false), nn.BatchNorm2d(architecture.StemWidth),
            nn.ReLU(inplace: true));
        var width = architecture.StemWidth;
        foreach (var stage in architecture.Stages)
            for (var block = 0; block < stage.Blocks; block++)
            {
                _body.append(new PlainBlock(width, stage.Width, block == 0 ? stage.Stride : 1, architecture.Expansion));
                width = stage.Width * architecture.Expansion;
            }
        _fc = nn.Linear(width, classes);
        RegisterComponents();
        foreach (var convolution in modules().OfType<Conv2d>())
            nn.init.kaiming_normal_(convolution.weight!, mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.ReLU);
    }

    public override Tensor forward(Tensor x) => _fc.forward(_body.forward(x).mean([2, 3]));

    private sealed class PlainBlock : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential _body;
        private readonly Sequential? _downsample;

        public PlainBlock(int inputs, int width, int stride, int expansion) : base(nameof(PlainBlock))
        {
            var outputs = width * expansion;
            _body = expansion == 1
                ? nn.Sequential(
                    nn.Conv2d(inputs, width, 3, stride, 1, bias: false), nn.BatchNorm2d(width), nn.ReLU(inplace: true),
                    nn.Conv2d(width, outputs, 3, padding: 1, bias: false), nn.BatchNorm2d(outputs))
                : nn.Sequential(
                    nn.Conv2d(inputs, width, 1, bias: false), nn.BatchNorm2d(width), nn.ReLU(inplace: true),
                    nn.Conv2d(width, width, 3, stride, 1, bias: false), nn.BatchNorm2d(width), nn.ReLU(inplace: true),
                    nn.Conv2d(width, outputs, 1, bias: false), nn.BatchNorm2d(outputs));
            if (stride != 1 || inputs != outputs)
                _downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias: false), nn.BatchNorm2d(outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => _body.forward(x).add_(_downsample is null ? x : _downsample.forward(x)).relu_();
    }
}
