using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.ResNet;
using static TorchSharp.torch;

/// <summary>
/// Training as a user of TorchSharp writes it by hand: the peer of <c>bench train</c>, with the same network, batch, optimiser and
/// augmentation.
/// </summary>
internal static class PlainLoop
{
    /// <summary><c>bench plain</c> prints images per second, the median of the rounds.</summary>
    public static Command Verb(Option<string> architecture, Option<int> batchSize, Option<int> steps, Option<int> rounds)
    {
        var verb = new Command("plain",
            "Images per second of a hand-written TorchSharp loop on images in memory, the median of the rounds.") { architecture, batchSize,
            steps, rounds };
        verb.SetAction(result =>
        {
            set_num_threads(Environment.ProcessorCount);
            random.manual_seed(1);
            var speeds = Speeds(ArchitectureText.Parse(result.GetValue(architecture)!), result.GetValue(batchSize),
                result.GetValue(steps), result.GetValue(rounds) + 1);
            Console.WriteLine(Statistics.Median(speeds.Skip(1)).ToString("f3", CultureInfo.InvariantCulture));
        });
        return verb;
    }

    private static List<double> Speeds(ResNetArchitecture architecture, int batchSize, int steps, int epochs)
    {
        using var network = new PlainNetwork(architecture, 10);
        using var optimizer = optim.SGD(network.parameters(), 0.01, momentum: 0.9, weight_decay: 5e-4);
        using var images = randint(0, 256, [batchSize * steps, 3, 32, 32], ScalarType.Byte);
        using var labels = arange(batchSize * steps) % 10;
        network.train();
        return [.. Enumerable.Range(0, epochs).Select(_ =>
        {
            var clock = Stopwatch.StartNew();
            Epoch(network, optimizer, images, labels, batchSize);
            return images.shape[0] / clock.Elapsed.TotalSeconds;
        })];
    }

    private static void Epoch(PlainNetwork network, optim.Optimizer optimizer, Tensor images, Tensor labels, int batchSize)
    {
        using var order = randperm(images.shape[0]);
        var total = 0.0;
        for (var first = 0; first < images.shape[0]; first += batchSize)
        {
            using var scope = NewDisposeScope();
            var rows = order.narrow(0, first, batchSize);
            var x = (Augmented(images.index_select(0, rows)).to_type(ScalarType.Float32) / 255 - 0.5) / 0.29;
            var loss = nn.functional.cross_entropy(network.forward(x), labels.index_select(0, rows));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            total += loss.item<float>();
        }
        if (!double.IsFinite(total))
            throw new InvalidOperationException("The plain loop diverged: its speed means nothing.");
    }

    /// <summary>Crop with 4 pixels of padding, and flip.</summary>
    private static Tensor Augmented(Tensor x)
    {
        var (count, height, width) = (x.shape[0], x.shape[2], x.shape[3]);
        var windows = nn.functional.pad(x, [4, 4, 4, 4]).unfold(2, height, 1).unfold(3, width, 1).permute(0, 2, 3, 1, 4, 5);
        x = windows.index([arange(count), randint(0, 9, [count], ScalarType.Int64), randint(0, 9, [count], ScalarType.Int64)]);
        return where((rand(count) < 0.5).view(-1, 1, 1, 1), x.flip(3), x);
    }
}
