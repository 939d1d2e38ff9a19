using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>One small network as the programs of many authors save it, by PyTorch itself: every file gives the same weights.</summary>
[TestClass]
public class TrainingProgramTests
{
    [TestMethod]
    public void Every_checkpoint_gives_the_weights_of_the_plain_state_dictionary()
    {
        var folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, "training-programs")).FullName;

        var files = Python.RunWithTorch(Program, folder)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        var expected = Read(Path.Combine(folder, "plain.pth"), null).Tensors;
        Assert.IsGreaterThan(25, files.Length);
        foreach (var file in files)
            AssertEqual(expected, Read(Path.Combine(folder, file), null).Tensors, file);
        foreach (var (file, key, others) in new[] { ("ema.pth", "model", "model_ema"), ("timm_ema.pth", "state_dict", "state_dict_ema"),
            ("lightning_ema.pth", "model", "ema_model") })
        {
            var report = Read(Path.Combine(folder, file), null).Report;
            Assert.AreEqual($"{key} {others}", $"{report.StateDictKey} {report.OtherStateDictKeys.Single()}");
            var averaged = Read(Path.Combine(folder, file), others).Tensors; // they were set to 0
            Assert.IsTrue(averaged.All(tensor => tensor.Data.Span.IndexOfAnyExcept((byte)0) < 0), file);
        }
    }

    private static WeightsImport Read(string path, string? key)
    {
        using var stream = File.OpenRead(path);
        var options = new ResNetWeightsOptions { Architecture = SavedModel.Narrow, ClassNames = ["a", "b", "c"], StateDictKey = key };
        try
        {
            return WeightsImport.Read(stream, options, seed: 1);
        }
        catch (WeightsFormatException e)
        {
            throw new AssertFailedException($"{Path.GetFileName(path)}: {e.Message}", e);
        }
    }

    private static void AssertEqual(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual, string file)
    {
        foreach (var (a, b) in expected.Zip(actual))
            Assert.IsTrue(a.Name == b.Name && a.Data.Span.SequenceEqual(b.Data.Span), $"{file}: {a} and {b}");
    }

    private const string Program = """
        import argparse, collections, datetime, os, pathlib, random, sys
        import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
        folder, files = sys.argv[1], []

        class Block(nn.Module):
            def __init__(self, inputs, width, stride):
                super().__init__()
                self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
                self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
                self.downsample = None
                if stride != 1:
                    self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

            def forward(self, x):
                y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
                return F.relu(y + (x if self.downsample is None else self.downsample(x)))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
                self.layer1, self.layer2 = nn.Sequential(Block(4, 4, 1)), nn.Sequential(Block(4, 8, 2))
                self.layer3, self.fc = nn.Sequential(Block(8, 16, 2)), nn.Linear(16, 3)

            def forward(self, x):
                return self.fc(self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))

        def save(value, file, **options):
            torch.save(value, os.path.join(folder, file), **options)
            files.append(file)

        def under(prefix, state):
            return collections.OrderedDict((prefix + key, value) for key, value in state.items())

        torch.manual_seed(1)
        net = Net().eval()
        state = net.state_dict()
        zeros = collections.OrderedDict((key, torch.zeros_like(value)) for key, value in state.items())
        optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
        net(torch.ones(2, 3, 8, 8)).sum().backward()
        optimizer.step()
        state = net.state_dict()
        adam = torch.optim.AdamW(net.parameters())
        step, multi = torch.optim.lr_scheduler.StepLR(optimizer, 30), torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60])
        cosine = torch.optim.lr_scheduler.OneCycleLR(adam, 0.1, total_steps=10)
        arguments = argparse.Namespace(lr=0.1, model='resnet8', data=pathlib.Path('/data'), device=torch.device('cpu'))
        save(state, 'plain.pth')
        save(state, 'protocol4.pth', pickle_protocol=4)
        save(state, 'legacy.pth', _use_new_zipfile_serialization=False)
        save({'model': state, 'optimizer': optimizer.state_dict(), 'lr_scheduler': step.state_dict(), 'epoch': 3, 'args': arguments},
             'reference.pth')
        save({'model': state, 'optimizer': adam.state_dict(), 'lr_scheduler': cosine.state_dict(), 'epoch': 3, 'args': arguments},
             'reference_legacy.pth', _use_new_zipfile_serialization=False)
        save({'epoch': 3, 'arch': 'resnet8', 'state_dict': under('module.', state), 'best_acc1': torch.tensor(76.1),
              'optimizer': optimizer.state_dict()}, 'imagenet.pth.tar')
        for prefix in ['model.', 'net.', 'backbone.', 'resnet.', 'encoder.', 'module.model.', '_orig_mod.']:
            save(under(prefix, state), f'prefix_{prefix}pth')
        for head in ['fc.1.', 'classifier.', 'head.fc.']:
            save(collections.OrderedDict((key.replace('fc.', head), value) for key, value in state.items()), f'head_{head}pth')
        everything = {
            'best': np.float64(0.9), 'matrix': np.arange(9).reshape(3, 3), 'when': datetime.datetime.now(), 'today': datetime.date.today(),
            'took': datetime.timedelta(seconds=3), 'where': pathlib.Path('/data'), 'seen': {1, 2}, 'fixed': frozenset([1]), 'raw': b'abc',
            'counts': collections.Counter([1, 1, 2]), 'lists': collections.defaultdict(list, a=[1]), 'dtype': torch.float16,
            'rng': torch.get_rng_state(), 'numpy_rng': np.random.get_state(), 'python_rng': random.getstate(), 'big': 2 ** 5000,
            'size': torch.zeros(2, 3).shape, 'range': range(3), 'slice': slice(1, 2), 'complex': 1j, 'function': save, 'none': None,
            'complex_tensor': torch.zeros(2, dtype=torch.complex64), 'sparse': torch.eye(3).to_sparse(), (1, 2): 'tuple', 1.5: 'float',
            'scheduler': multi.state_dict(), 'objects': [optimizer, step], 'text': 'x' * 3_000_000, 'words': {'a': {'b': {'c': [1]}}}}
        for protocol in [2, 3, 4, 5]:
            save({**everything, 'state_dict': state}, f'everything{protocol}.pth', pickle_protocol=protocol)
        save({'epoch': 3, 'global_step': 7, 'pytorch-lightning_version': '1.9.0', 'state_dict': under('model.', state),
              'callbacks': {'ModelCheckpoint': {'best_model_path': '/a', 'best_model_score': torch.tensor(0.9), 'best_k_models': {}}},
              'optimizer_states': [adam.state_dict()], 'lr_schedulers': [cosine.state_dict()], 'hparams_name': 'kwargs',
              'hyper_parameters': {'lr': 0.1, 'args': arguments}, 'loops': {'fit_loop': {'state_dict': {}}}}, 'lightning.ckpt')
        save({'state_dict': collections.OrderedDict([*under('ema_model.', zeros).items(), *under('model.', state).items()])},
             'lightning_ema.pth')
        averaged = torch.optim.swa_utils.AveragedModel(net)
        averaged.module.load_state_dict(zeros)
        save({'model_ema': averaged.state_dict(), 'model': state, 'args': arguments}, 'ema.pth')
        save({'epoch': 3, 'state_dict': state, 'state_dict_ema': zeros, 'args': arguments, 'metric': 76.1, 'version': 2}, 'timm_ema.pth')
        save(net, 'whole.pth')
        save({'model': net, 'epoch': 3, 'optimizer': optimizer}, 'whole_in_checkpoint.pth')
        save(net, 'whole_legacy.pth', _use_new_zipfile_serialization=False)
        save(nn.DataParallel(net), 'whole_parallel.pth')
        torch.jit.trace(net, torch.ones(1, 3, 8, 8)).save(os.path.join(folder, 'script.pt'))
        print('\n'.join([*files, 'script.pt']))
        """;
}
