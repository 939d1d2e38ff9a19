namespace Microsoft.ML.ResNet.Cpu.Training;

/// <content>
/// Convolutions of many weights and few images, whose time is that of the weights' way from memory: threads share their blocks, and not the
/// images, so that each weight is read by one thread, once for all images.
/// </content>
internal sealed unsafe partial class TrainingNetwork
{
    private void ConvolveByBlock(TrainingConvolution convolution, Load loadInput)
    {
        ForEachImage((image, _, _) => loadInput(image, WideInput(convolution, image)));
        Team.Run(convolution.Blocks, (block, worker)
            => convolution.ForwardOfBlock(block, _wideInputs.Pointer, _count, _scratch[worker].Pointer));
        ForEachShard((first, end, shard, _) => convolution.Measure(first, end - first, shard));
    }

    private void BackwardByBlock(TrainingConvolution convolution, Gradient from, Load loadInput, float* to, bool adds, Finish? finish)
    {
        ForEachImage((image, _, worker) => convolution.LoadGradient(from(image, worker), image, WideGradient(convolution, image)));
        if (to is not null)
            Team.Run(convolution.InputBlocks, (block, worker)
                => convolution.BackwardInputOfBlock(block, _wideGradients.Pointer, to, _count, adds, _scratch[worker].Pointer));
        ForEachImage((image, shard, worker) =>
        {
            LoadPanels(convolution, loadInput, image, worker);
            FinishImages(convolution, to, image, image + 1, shard, worker, finish);
        });
        Team.Run(convolution.Blocks, (block, worker)
            => convolution.BackwardWeightsOfBlock(block, _wideInputs.Pointer, _wideGradients.Pointer, _scratch[worker].Pointer));
    }
}
