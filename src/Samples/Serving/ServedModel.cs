using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Samples.Serving;

/// <summary>A model under the name by which requests choose it.</summary>
internal sealed class ServedModel : IDisposable
{
    private readonly SavedModel _file;

    private ServedModel(string name, SavedModel file, ServingLimits limits)
    {
        (Name, _file) = (name, file);
        try
        {
            Classifier = file.Network.CreateClassifier(new() { MaximumBytes = limits.PictureBytes, MaximumPixels = limits.PicturePixels });
        }
        catch (NotSupportedException exception)
        {
            file.Dispose();
            throw new InvalidDataException($"{file.Path}: expected a model of pictures of 1 or 3 channels, found one of images of "
                + $"{file.Network.Model.ImageShape}.", exception);
        }
    }

    /// <summary>The name, as <see cref="Names"/> makes it.</summary>
    public string Name { get; }

    /// <summary>The file, as a full path.</summary>
    public string Path => _file.Path;

    /// <summary>Tells what is on a picture.</summary>
    public ImageClassifier Classifier { get; }

    /// <summary>What there is to know about it.</summary>
    public ModelReply Description
    {
        get
        {
            var model = Classifier.Model;
            return new(Name, model.Architecture.Name, $"{model.ImageShape}", $"{model.ImageGeometry}", model.ImageGeometry.HonorOrientation,
                model.ClassNames);
        }
    }

    /// <summary>Loads models, and computes one picture with each, so that the first request does not wait.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A file is no ML.NET model, or one without a residual network.</exception>
    public static IReadOnlyList<ServedModel> LoadAll(IReadOnlyList<string> paths, ServingLimits limits)
    {
        var mlContext = new MLContext();
        var models = new List<ServedModel>();
        try
        {
            foreach (var (path, name) in paths.Zip(Names(paths)))
            {
                models.Add(new(name, SavedModel.Load(mlContext, path), limits));
                models[^1].WarmUp();
            }
            return models;
        }
        catch
        {
            models.ForEach(model => model.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The names of files without their extension; that of the folder for a <c>model.zip</c>, as <c>train</c> leaves one in each run's
    /// folder. The second of one name gets a 2, and so on.
    /// </summary>
    public static IReadOnlyList<string> Names(IEnumerable<string> paths)
    {
        var names = new List<string>();
        foreach (var path in paths.Select(System.IO.Path.GetFullPath))
        {
            var (stem, folder) = (System.IO.Path.GetFileNameWithoutExtension(path),
                System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(path)));
            var name = stem == "model" && !string.IsNullOrEmpty(folder) ? folder : stem;
            var number = 1;
            for (var unique = name; ; unique = $"{name} {++number}")
                if (!names.Contains(unique))
                {
                    names.Add(unique);
                    break;
                }
        }
        return names;
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => _file.Dispose();

    private void WarmUp()
    {
        var shape = Classifier.Model.ImageShape;
        using var grey = Microsoft.ML.Data.MLImage.CreateFromPixels(shape.Width, shape.Height, Microsoft.ML.Data.MLPixelFormat.Rgba32,
            [.. Enumerable.Repeat((byte)128, 4 * shape.PlaneSize)]);
        _ = Classifier.Predict(grey, new() { WithActivationMap = true });
    }
}
