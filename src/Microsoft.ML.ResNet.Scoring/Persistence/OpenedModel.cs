using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// A model whose weights have been read and fit its architecture, while their checksum is still being computed. A network may be built of
/// it, but nothing may be handed on before <see cref="Verify"/>.
/// </summary>
internal sealed class OpenedModel(TrainedResNet model, ModelColumns columns, WeightsChecksum checksum) : IDisposable
{
    /// <summary>The network.</summary>
    public TrainedResNet Model => model;

    /// <summary>Its columns.</summary>
    public ModelColumns Columns => columns;

    /// <summary>Waits for the checksum and compares it.</summary>
    /// <exception cref="ModelFormatException">The weights are damaged.</exception>
    public void Verify() => checksum.Verify();

    /// <inheritdoc/>
    public void Dispose() => checksum.Dispose();
}
