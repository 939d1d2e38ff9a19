using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>A channel that says nothing: of processes that train together, the first alone logs.</summary>
/// <param name="channel">The channel that would; it makes the exceptions.</param>
internal sealed class QuietChannel(IChannel channel) : IChannel
{
    /// <inheritdoc/>
    public string ContextDescription => channel.ContextDescription;

    /// <inheritdoc/>
    public TException Process<TException>(TException ex)
        where TException : Exception => channel.Process(ex);

    /// <inheritdoc/>
    public void Trace(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Info(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Info(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Warning(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Error(MessageSensitivity sensitivity, string message)
    {
    }

    /// <inheritdoc/>
    public void Error(MessageSensitivity sensitivity, string fmt, params object[] args)
    {
    }

    /// <inheritdoc/>
    public void Send(ChannelMessage msg)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
