using Microsoft.ML.ResNet.AspNetCore;

namespace Samples.Serving;

/// <summary>A model under the name by which requests choose it.</summary>
/// <param name="service">Tells what is on a picture, with the newest content of the model's file.</param>
internal sealed class ServedModel(ResNetService service) : IDisposable
{
    /// <summary>The name, as <see cref="Names"/> makes it.</summary>
    public string Name => service.Name;

    /// <summary>Tells what is on a picture.</summary>
    public ResNetService Service => service;

    /// <summary>What there is to know about it.</summary>
    public ModelReply Description
    {
        get
        {
            var model = service.Model;
            return new(Name, model.Architecture.Name, $"{model.ImageShape}", $"{model.ImageGeometry}", model.ImageGeometry.HonorOrientation,
                model.ClassNames);
        }
    }

    /// <summary>Loads models, and computes one picture with each, so that the first request does not wait.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A file is no ML.NET model, or one without a residual network.</exception>
    public static IReadOnlyList<ServedModel> LoadAll(IReadOnlyList<string> paths, ServingLimits limits)
    {
        var models = new List<ServedModel>();
        try
        {
            foreach (var (path, name) in paths.Select(System.IO.Path.GetFullPath).Zip(Names(paths)))
                models.Add(Load(path, name, limits));
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
    public void Dispose() => service.Dispose();

    private static ServedModel Load(string path, string name, ServingLimits limits)
    {
        try
        {
            return new(SavedModel.Read(path, file => new ResNetService(name, file, new()
            {
                Limits = new() { MaximumBytes = limits.PictureBytes, MaximumPixels = limits.PicturePixels },
                MaximumConcurrency = limits.Computations,
            })));
        }
        catch (NotSupportedException exception)
        {
            throw new InvalidDataException($"{path}: expected a model of pictures of 1 or 3 channels. {exception.Message}", exception);
        }
    }
}
