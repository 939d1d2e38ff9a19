using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Batches of which each of several processes has some images, through autograd. Batch normalisation is that of the whole batch: moments on
/// the way forward, and sums of gradients on the way back, come together from all processes.
/// <para>
/// Autograd goes back piece by piece. The graph is cut in front of each normalisation, where processes exchange, and in front of each
/// block, so that nothing is gone through twice. A function of one's own within the graph would exchange from inside libtorch, where an
/// exception ends the process, and on a thread of libtorch's where there is a GPU.
/// </para>
/// </summary>
/// <param name="processes">The processes. All of them pass the same layers in the same order, with or without images.</param>
internal sealed class SharedBatch(ProcessGroup processes) : IDisposable
{
    private readonly Stack<Cut> _cuts = new(); // since the last way back

    /// <summary>Normalises a batch by its own moments, and lets the running statistics follow.</summary>
    /// <param name="x">This process's images: (n, C, H, W), in 32 or 16 bits; n may be 0. It stays the caller's.</param>
    /// <param name="norm">The normalisation.</param>
    /// <returns>A tensor like <paramref name="x"/>; the caller owns it.</returns>
    public Tensor Normalize(Tensor x, BatchNorm norm)
    {
        using var scope = NewDisposeScope();
        var moments = ChannelMoments.Of(x, processes);
        var (mean, variance) = (moments.Mean(x.device), moments.Variance(x.device));
        norm.Follow(mean, moments.UnbiasedVariance(x.device));
        if (!is_grad_enabled())
            return BatchNorm.Normalize(x, mean, variance, norm.weight, norm.bias).MoveToOuterDisposeScope();
        // autograd's gradients of these two are the sums that all others need; views, because the weights' own gather all passes
        var (weight, bias) = (norm.weight.view(-1), norm.bias.view(-1));
        weight.retain_grad();
        bias.retain_grad();
        var leaf = Leaf(x);
        _cuts.Push(new Cut(x.alias(), leaf, new Normalized(weight, bias, moments)));
        return BatchNorm.Normalize(leaf, mean, variance, weight, bias).MoveToOuterDisposeScope();
    }

    /// <summary>Cuts the graph.</summary>
    /// <param name="x">What comes before; taken over.</param>
    /// <returns>The same for what comes behind, or <paramref name="x"/> itself where there is no graph; the caller owns it.</returns>
    public Tensor Divide(Tensor x)
    {
        if (!x.requires_grad)
            return x;
        var leaf = Leaf(x);
        _cuts.Push(new Cut(x, leaf, null));
        return leaf.alias();
    }

    /// <summary>Adds the gradients of all weights to what they have: the part that this process's images give.</summary>
    /// <param name="output">What came out in the end.</param>
    /// <param name="gradient">Of the whole batch's loss: a tensor like <paramref name="output"/>.</param>
    public void Backward(Tensor output, Tensor gradient)
    {
        GoBack(output, output.shape[0] == 0 ? null : gradient);
        while (_cuts.TryPop(out var cut))
            using (cut)
            {
                using var scope = NewDisposeScope();
                GoBack(cut.Before, cut.Normalized is null ? cut.Behind.grad : Gradient(cut, cut.Normalized));
            }
    }

    /// <summary>Forgets what went forward and will not go back.</summary>
    public void Dispose()
    {
        while (_cuts.TryPop(out var cut))
            cut.Dispose();
    }

    // A process without images has nothing to go back through.
    private static void GoBack(Tensor output, Tensor? gradient)
    {
        if (gradient is not null)
            output.backward([gradient]);
    }

    // With x' = (x - mean) / deviation normalised, n values of a channel in the whole batch, and g what came back through y = w x' + b as
    // if mean and deviation were constants: g - w / (n deviation) (sum dy + x' sum dy x'), where the sums are over the whole batch.
    private Tensor? Gradient(Cut cut, Normalized norm)
    {
        using var noGradient = no_grad();
        var (channels, device) = ((int)norm.Weight.shape[0], norm.Weight.device);
        var sums = Sums([.. Values(norm.Bias.grad, channels), .. Values(norm.Weight.grad, channels)]);
        if (cut.Behind.grad is not { } gradient)
            return null;
        var moments = norm.Moments;
        var (shift, slope) = (new float[channels], new float[channels]);
        for (var channel = 0; channel < channels; channel++)
        {
            var deviation = moments.Deviation(channel);
            shift[channel] = (float)(sums[channel] / (moments.Count * deviation));
            slope[channel] = (float)(sums[channels + channel] / (moments.Count * deviation * deviation));
        }
        var centred = cut.Before.detach() - PerChannel(moments.Mean(device));
        var rest = centred.mul_(PerChannel(tensor(slope).SentTo(device))).add_(PerChannel(tensor(shift).SentTo(device)))
            .mul_(PerChannel(norm.Weight.detach()));
        return (gradient - rest).to_type(gradient.dtype);
    }

    private double[] Sums(double[] own)
    {
        var sums = new double[own.Length];
        foreach (var part in processes.GatherAll(own)) // in the order of ranks
            for (var index = 0; index < sums.Length; index++)
                sums[index] += part[index];
        return sums;
    }

    private static IEnumerable<double> Values(Tensor? gradient, int channels)
        => gradient is null ? new double[channels] : gradient.to_type(ScalarType.Float64).cpu().data<double>();

    private static Tensor PerChannel(Tensor values) => values.view(1, -1, 1, 1);

    private static Tensor Leaf(Tensor x)
    {
        var leaf = x.detach();
        leaf.requires_grad = true;
        return leaf;
    }

    /// <summary>A place where the graph is cut. Owns its tensors.</summary>
    /// <param name="Before">Where the piece in front ends.</param>
    /// <param name="Behind">The same values, where the piece behind begins; it gathers its gradient.</param>
    /// <param name="Normalized">How that was normalised; <see langword="null"/> where it was not.</param>
    private sealed record Cut(Tensor Before, Tensor Behind, Normalized? Normalized) : IDisposable
    {
        private readonly Tensor[] _owned = [.. ((Tensor?[])[Before, Behind, Normalized?.Weight, Normalized?.Bias]).OfType<Tensor>()
            .Select(tensor => tensor.DetachFromDisposeScope())];

        public void Dispose()
        {
            foreach (var tensor in _owned)
                tensor.Dispose();
        }
    }

    /// <summary>What a normalisation did.</summary>
    /// <param name="Weight">Its weights, which keep the gradient of this pass alone.</param>
    /// <param name="Bias">Its biases, which do so too.</param>
    /// <param name="Moments">Those of the batch.</param>
    private sealed record Normalized(Tensor Weight, Tensor Bias, ChannelMoments Moments);
}
