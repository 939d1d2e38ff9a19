namespace Microsoft.ML.ResNet;

/// <summary>Which part of a CIFAR set to load from a folder or an archive.</summary>
public enum CifarSplit
{
    /// <summary>The training images: <c>data_batch_*.bin</c> (CIFAR-10) or <c>train.bin</c> (CIFAR-100).</summary>
    Train,

    /// <summary>The test images: <c>test_batch.bin</c> (CIFAR-10) or <c>test.bin</c> (CIFAR-100).</summary>
    Test,
}
