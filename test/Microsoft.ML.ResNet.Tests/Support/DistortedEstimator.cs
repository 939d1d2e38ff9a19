using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>A good estimator with one thing bent: shows that the workout notices.</summary>
internal sealed class DistortedEstimator(IEstimator<ITransformer> good) : IEstimator<ITransformer>
{
    /// <summary>Takes the place of <see cref="GetOutputSchema"/>; gets the good one.</summary>
    public Func<Func<SchemaShape, SchemaShape>, SchemaShape, SchemaShape>? Promise { get; init; }

    /// <summary>Takes the place of <see cref="Fit"/>; gets the good one.</summary>
    public Func<Func<IDataView, ITransformer>, IDataView, ITransformer>? Training { get; init; }

    /// <inheritdoc/>
    public ITransformer Fit(IDataView input) => Training is null ? good.Fit(input) : Training(good.Fit, input);

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        => Promise is null ? good.GetOutputSchema(inputSchema) : Promise(good.GetOutputSchema, inputSchema);
}

/// <summary>A good transformer with one thing bent.</summary>
internal sealed class DistortedTransformer(ITransformer good) : ITransformer, IDisposable
{
    /// <summary>The model that <see cref="ICanSaveModel.Save"/> writes in place of the good one.</summary>
    public ITransformer? Saved { get; init; }

    /// <summary>Takes the place of <see cref="GetOutputSchema"/>; gets the good one.</summary>
    public Func<Func<DataViewSchema, DataViewSchema>, DataViewSchema, DataViewSchema>? Schema { get; init; }

    /// <summary>Bends the view that the good one made.</summary>
    public Func<IDataView, IDataView>? View { get; init; }

    /// <summary>Takes the place of <see cref="GetRowToRowMapper"/>; gets the good one.</summary>
    public Func<Func<DataViewSchema, IRowToRowMapper>, DataViewSchema, IRowToRowMapper>? Mapper { get; init; }

    /// <summary>Takes the place of the good one's answer.</summary>
    public bool? ClaimsMapper { get; init; }

    /// <summary>Called by <see cref="Dispose"/>.</summary>
    public Action? Disposing { get; init; }

    /// <inheritdoc/>
    public bool IsRowToRowMapper => ClaimsMapper ?? good.IsRowToRowMapper;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
        => Schema is null ? good.GetOutputSchema(inputSchema) : Schema(good.GetOutputSchema, inputSchema);

    /// <inheritdoc/>
    public IDataView Transform(IDataView input) => View is null ? good.Transform(input) : View(good.Transform(input));

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
        => Mapper is null ? good.GetRowToRowMapper(inputSchema) : Mapper(good.GetRowToRowMapper, inputSchema);

    /// <inheritdoc/>
    public void Dispose() => Disposing?.Invoke();

    void ICanSaveModel.Save(ModelSaveContext context) => (Saved ?? good).Save(context);
}
