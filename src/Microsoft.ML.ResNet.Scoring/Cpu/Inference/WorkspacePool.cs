namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Workspaces for the batches of any number of callers. Keeps some for the next batches; what more callers at once took than that is freed
/// when they are done. Thread-safe.
/// </summary>
/// <param name="maps">The layouts, by index.</param>
/// <param name="most">How many workspaces are kept.</param>
internal sealed class WorkspacePool(IReadOnlyList<FeatureMap> maps, int most) : IDisposable
{
    private readonly Stack<Workspace> _idle = new(most);
    private bool _disposed;

    /// <summary>Workspaces that wait for a batch.</summary>
    public int Idle
    {
        get
        {
            lock (_idle)
                return _idle.Count;
        }
    }

    /// <summary>Takes a workspace: give it back with <see cref="Return"/>, or, after a failure, dispose it.</summary>
    /// <param name="images">Images that it must have room for.</param>
    public Workspace Rent(int images)
    {
        Workspace? workspace;
        lock (_idle)
            _idle.TryPop(out workspace);
        if (workspace?.Images >= images)
            return workspace;
        workspace?.Dispose();
        return new Workspace(maps, images);
    }

    /// <summary>Gives a workspace back.</summary>
    public void Return(Workspace workspace)
    {
        lock (_idle)
            if (_idle.Count < most && !_disposed)
            {
                _idle.Push(workspace);
                return;
            }
        workspace.Dispose();
    }

    /// <summary>Frees what is kept, and from now on whatever comes back.</summary>
    public void Dispose()
    {
        lock (_idle)
        {
            _disposed = true;
            while (_idle.TryPop(out var workspace))
                workspace.Dispose();
        }
    }
}
