using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Images that stay where they are and whose batches are moved to a device one by one, because the device's memory is for the network.
/// </summary>
/// <param name="host">Where the images are; it stays the caller's and must live longer.</param>
/// <param name="device">Where the batches go.</param>
internal sealed class HostedPixelStore(PixelStore host, Device device)
    : PixelStore(host.Labels.to(device), host.Weights?.to(device), host.Pictures)
{
    /// <inheritdoc/>
    public override long? BytesInMemory => host.BytesInMemory;

    /// <inheritdoc/>
    public override RowOwners? Owners => host.Owners;

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order) => host.ReadAhead(order);

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows) => host.PixelsOf(rows).SentTo(device);

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count) => host.PixelsOf(first, count).SentTo(device);

    /// <inheritdoc/>
    public override Tensor PixelsOf(RowShares shares) => host.PixelsOf(shares).SentTo(device);
}
