using System.IO.Compression;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ResNetTransformer), null, typeof(SignatureLoadModel), ResNetTransformer.UserName,
    ResNetTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(IDataTransform), typeof(ResNetTransformer), null, typeof(SignatureLoadDataTransform),
    ResNetTransformer.UserName, ResNetTransformer.LoaderSignature)]
[assembly: LoadableClass(typeof(IRowMapper), typeof(ResNetTransformer), null, typeof(SignatureLoadRowMapper), ResNetTransformer.UserName,
    ResNetTransformer.LoaderSignature)]

namespace Microsoft.ML.ResNet;

/// <content>Saving and loading, as ML.NET's model files want it. The entries themselves are <see cref="ModelArchive"/>'s.</content>
public sealed partial class ResNetTransformer
{
    internal const string LoaderSignature = ModelArchive.LoaderSignature;
    internal const string UserName = "Residual network";

    private static VersionInfo GetVersionInfo() => new(
        modelSignature: "RESNETTF",
        verWrittenCur: 0x00010001, // the first
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature,
        loaderAssemblyName: typeof(ResNetTransformer).Assembly.FullName);

    /// <inheritdoc/>
    protected override void SaveModel(ModelSaveContext ctx)
    {
        Host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        CheckSaveable();
        ctx.SetVersionInfo(GetVersionInfo());
        var hash = "";
        ctx.SaveBinaryStream(ModelArchive.WeightsEntry, writer => hash = StoredWeights.Write(writer.BaseStream, _network));
        ctx.SaveBinaryStream(ModelArchive.DescriptionEntry,
            writer => ModelArchive.WriteDescription(writer.BaseStream, _network, _columns, hash));
    }

    /// <summary>Finds out whether the model can be saved, before anything is written.</summary>
    /// <exception cref="InvalidOperationException">It is so large that it could not be read again.</exception>
    internal void CheckSaveable() => ModelArchive.CheckSaveable(_network, _columns);

    // Called by ML.NET through the attributes above.
    private static ResNetTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(GetVersionInfo());

        EngineSelection.CompileAhead(ResNetRuntime.Options.Numerics);
        var (network, columns) = Read(ctx);
        return new ResNetTransformer(env, network, columns);
    }

    private static (TrainedResNet, ModelColumns) Read(ModelLoadContext ctx)
    {
        try
        {
            (TrainedResNet, ModelColumns)? read = null;
            var found = ctx.TryLoadBinaryStream(ModelArchive.DescriptionEntry, description =>
            {
                if (WeightsInZip(ctx) is { } entry)
                    read = Read(description.BaseStream, entry);
                else
                    ctx.TryLoadBinaryStream(ModelArchive.WeightsEntry,
                        weights => read = ModelArchive.Read(description.BaseStream, weights.BaseStream));
            });
            return read ?? throw new ModelFormatException(
                $"The model has no entry '{(found ? ModelArchive.WeightsEntry : ModelArchive.DescriptionEntry)}'.");
        }
        catch (InvalidDataException e) when (DiskError.Behind(e) is null) // the zip's: an entry that cannot be unpacked
        {
            throw new ModelFormatException($"The model's entries are damaged: {e.Message}", e);
        }
    }

    private static (TrainedResNet, ModelColumns) Read(Stream description, ZipArchiveEntry weights)
    {
        using var opened = ModelArchive.Open(description, weights);
        opened.Verify();
        return (opened.Model, opened.Columns);
    }

    // ML.NET copies an entry to a temporary file before anybody reads it, which takes longer than reading it. Where it is found in the zip
    // itself, and is no longer than an array, it is read from there.
    private static ZipArchiveEntry? WeightsInZip(ModelLoadContext ctx)
    {
        try
        {
            var (entries, path) = (Entries(ctx.Repository), Path.Combine(ctx.Directory ?? "", ModelArchive.WeightsEntry));
            return (entries.TryGetValue(path, out var entry) || entries.TryGetValue(path.Replace('/', '\\'), out entry))
                && entry.Length <= UntrustedBytes.MaximumCount ? entry : null;
        }
        catch (MissingFieldException) // of another version of ML.NET
        {
            return null;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_entries")]
    private static extern ref Dictionary<string, ZipArchiveEntry> Entries(RepositoryReader zip);

    private static IDataTransform Create(IHostEnvironment env, ModelLoadContext ctx, IDataView input)
        => Create(env, ctx).MakeDataTransform(input);

    private static IRowMapper Create(IHostEnvironment env, ModelLoadContext ctx, DataViewSchema inputSchema)
        => Create(env, ctx).MakeRowMapper(inputSchema);
}
