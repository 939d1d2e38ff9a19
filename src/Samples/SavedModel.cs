using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples;

/// <summary>A model file, loaded: the chain of transformers, and the network in it.</summary>
internal sealed class SavedModel : IDisposable
{
    private SavedModel(string path, ITransformer chain, ResNetTransformer network) => (Path, Chain, Network) = (path, chain, network);

    /// <summary>The file, as a full path.</summary>
    public string Path { get; }

    /// <summary>Everything between the loaded columns and the predicted class name.</summary>
    public ITransformer Chain { get; }

    /// <summary>The network, which knows its classes and the shape of its images.</summary>
    public ResNetTransformer Network { get; }

    /// <summary>Loads a model that <c>train</c>, <c>import</c> or the main job has saved.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no ML.NET model, or one without a residual network.</exception>
    public static SavedModel Load(MLContext mlContext, string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var chain = Read(path, file => mlContext.Model.LoadResNet(file, out _));
        return chain.FindResNet() is { } network
            ? new SavedModel(path, chain, network)
            : throw new InvalidDataException($"{path}: expected a model with a residual network, found an ML.NET model without one.");
    }

    /// <summary>Reads a model's file, and says what is wrong with it in the command line's words.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="read">Reads it.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no ML.NET model.</exception>
    public static T Read<T>(string path, Func<string, T> read)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"'{path}' does not exist. Expected a model file that 'train' or 'import' has written.", path);
        if (FileLength.Of(path) == 0) // so it is for a pipe, on which one would wait
            throw new InvalidDataException($"{path}: expected a model file that 'train' or 'import' has written, found no bytes.");
        try
        {
            return read(path);
        }
        catch (ModelFormatException exception) // whatever is wrong with the file; with the disk or the folder for temporary files, not
        {
            throw new InvalidDataException(
                $"{path}: expected an ML.NET model, found something else or a damaged file. {ExpectedErrors.OneLine(exception)}",
                exception);
        }
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => Network.Dispose();
}
