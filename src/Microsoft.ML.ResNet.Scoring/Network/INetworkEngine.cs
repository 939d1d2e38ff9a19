namespace Microsoft.ML.ResNet.Network;

/// <summary>Computes a network. May be called from many threads, but not during or after <see cref="IDisposable.Dispose"/>.</summary>
internal interface INetworkEngine : IDisposable
{
    /// <summary>Makes now what the first images would otherwise wait for.</summary>
    void Prepare()
    {
    }

    /// <summary>Computes some images.</summary>
    /// <param name="pixels">The images, planar, one after the other.</param>
    /// <param name="count">How many there are; at least 1.</param>
    /// <param name="output">What is wanted of them.</param>
    /// <param name="values">Receives that of one image after the other.</param>
    void Run(ReadOnlyMemory<byte> pixels, int count, NetworkOutput output, Memory<float> values);
}
