namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Small trainings that one process does, or several together.</summary>
internal static class SharedTraining
{
    /// <summary>A network of eight layers that was trained for an epoch, to start from.</summary>
    public static Lazy<ResNetModelParameters> Start { get; } = new(() => Trained(ResNetArchitecture.Cifar(8)));

    /// <summary>The same, of widths that are no multiples of 16 but the last.</summary>
    public static Lazy<ResNetModelParameters> StartOfOtherWidths { get; } = new(() => Trained(
        ResNetArchitecture.Cifar(8) with { StemWidth = 20, Stages = [new(20, 1, 1), new(32, 1, 2)] }));

    /// <summary>Options of a short training of <see cref="TinyImages"/>.</summary>
    public static ResNetTrainer.Options Options(ResNetArchitecture architecture, int epochs = 2)
    {
        var options = TinyImages.Options(epochs);
        options.Architecture = architecture;
        return options;
    }

    /// <summary>Trains, as one of a group or alone.</summary>
    /// <param name="options">How; they stay as they are.</param>
    /// <param name="group">The processes; <see langword="null"/> for one.</param>
    /// <param name="rows">Images.</param>
    /// <param name="log">Receives what is logged.</param>
    /// <param name="seed">Of images and context.</param>
    public static ResNetTransformer Fit(ResNetTrainer.Options options, ProcessGroup? group, int rows, List<string>? log = null,
        int seed = 1)
    {
        var ml = new MLContext(seed);
        if (log is not null)
            ml.Log += (_, message) => log.Add(message.RawMessage);
        var images = TinyImages.View(ml, rows, seed);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(images);
        options = options.Snapshot();
        options.ProcessGroup = group;
        return ml.MulticlassClassification.Trainers.ResNet(options).Fit(keys.Transform(images));
    }

    /// <summary>Trains until rank 0, alone, cancels after an epoch.</summary>
    public static ResNetTransformer StoppedAfterAnEpoch(ResNetTrainer.Options options, ProcessGroup group, int rows)
    {
        using var stop = new CancellationTokenSource();
        options = options.Snapshot();
        options.MetricsCallback = _ => stop.Cancel();
        options.CancellationToken = stop.Token;
        return Fit(options, group, rows);
    }

    private static ResNetModelParameters Trained(ResNetArchitecture architecture)
    {
        using var model = Fit(Options(architecture, epochs: 1), group: null, rows: 24, seed: 2);
        return model.Model;
    }
}
