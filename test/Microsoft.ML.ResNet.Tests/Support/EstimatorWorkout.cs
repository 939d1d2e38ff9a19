using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Holds an estimator, and the transformer it fits, to what ML.NET expects of its own: the promised schema is delivered, bad
/// input is refused with the right exceptions, and a saved model behaves like the one that was saved.
/// </summary>
/// <remarks>
/// The checks are those of ML.NET's own test suite (<c>TestEstimatorCore</c>). Stricter here: all annotation values are
/// compared, image pixels are compared, a refusal must not be an <see cref="ObjectDisposedException"/>, and columns are
/// also activated one at a time. More lenient: a model file need not remember image columns of its input, which no model file can.
/// </remarks>
internal sealed class EstimatorWorkout
{
    private readonly MLContext _ml;
    private readonly IEstimator<ITransformer> _estimator;
    private readonly IDataView _validFit;

    private EstimatorWorkout(MLContext ml, IEstimator<ITransformer> estimator, IDataView validFit)
        => (_ml, _estimator, _validFit) = (ml, estimator, validFit);

    /// <summary>Runs all steps; the first that fails is named in the message.</summary>
    /// <param name="ml">The context that saves and loads the model.</param>
    /// <param name="estimator">The estimator; it is fitted several times.</param>
    /// <param name="validFitInput">A few rows on which both <c>Fit</c> and <c>Transform</c> succeed.</param>
    /// <param name="validTransformInput">Rows for <c>Transform</c> only, such as without a label; <c>Fit</c> must refuse them.</param>
    /// <param name="invalidInput">Rows that <c>Fit</c> and <c>Transform</c> must refuse.</param>
    /// <param name="validForFitNotForTransform">
    /// Rows on which <c>Fit</c> succeeds, but that the transformer fitted on <paramref name="validFitInput"/> must refuse.
    /// </param>
    /// <param name="disposeTransformer">Whether to dispose the fitted transformers at the end; the loaded one always is.</param>
    /// <exception cref="AssertFailedException">A step failed.</exception>
    public static void Run(MLContext ml, IEstimator<ITransformer> estimator, IDataView validFitInput, IDataView? validTransformInput = null,
        IDataView? invalidInput = null, IDataView? validForFitNotForTransform = null, bool disposeTransformer = true)
    {
        var workout = new EstimatorWorkout(ml, estimator, validFitInput);
        var promised =
            Step("1: the estimator promises a schema", () => estimator.GetOutputSchema(SchemaShape.Create(validFitInput.Schema)));
        if (validTransformInput is not null)
            workout.EstimatorRefuses("2", "input that is only valid for Transform", validTransformInput);
        if (invalidInput is not null)
            workout.EstimatorRefuses("3", "invalid input", invalidInput);
        if (validForFitNotForTransform is not null)
            workout.EstimatorAccepts("4", validForFitNotForTransform, disposeTransformer);

        var fitted = Step("5: Fit", () => estimator.Fit(validFitInput));
        var (loaded, loadedSchema) = Step("6: save and load", () => workout.SaveAndLoad(fitted));
        try
        {
            Step("7: the loaded input schema is the saved one", () =>
                SchemaComparison.AssertSame(SchemaComparison.WithoutImages(validFitInput.Schema), loadedSchema, "loaded input schema"));
            SameBehaviour("7, input for Fit", fitted, loaded, validFitInput);
            if (validTransformInput is not null)
                SameBehaviour("7, input for Transform", fitted, loaded, validTransformInput);
            if (invalidInput is not null)
                BothRefuse("8", "invalid input", fitted, loaded, invalidInput);
            if (validForFitNotForTransform is not null)
                BothRefuse("9", "input that is only valid for Fit", fitted, loaded, validForFitNotForTransform);
            Step("10: the promised schema is delivered",
                () => SchemaComparison.AssertKept(promised, fitted.GetOutputSchema(validFitInput.Schema), "output schema"));
        }
        finally
        {
            (loaded as IDisposable)?.Dispose();
            if (disposeTransformer)
                (fitted as IDisposable)?.Dispose();
        }
        if (disposeTransformer)
            Step("11: disposing twice", () => (fitted as IDisposable)?.Dispose());
    }

    private void EstimatorRefuses(string step, string input, IDataView view)
    {
        Refuses($"{step}: the estimator's GetOutputSchema on {input}", () => _estimator.GetOutputSchema(SchemaShape.Create(view.Schema)));
        Refuses($"{step}: Fit on {input}", () => _estimator.Fit(view));
    }

    private void EstimatorAccepts(string step, IDataView view, bool dispose)
    {
        Step($"{step}: the estimator's GetOutputSchema on input that is only valid for Fit",
            () => _estimator.GetOutputSchema(SchemaShape.Create(view.Schema)));
        var fitted = Step($"{step}: Fit on input that is only valid for Fit", () => _estimator.Fit(view));
        if (dispose)
            (fitted as IDisposable)?.Dispose();
    }

    private (ITransformer Loaded, DataViewSchema InputSchema) SaveAndLoad(ITransformer fitted)
    {
        using var file = new MemoryStream();
        _ml.Model.Save(fitted, _validFit.Schema, file);
        file.Position = 0;
        var loaded = _ml.Model.Load(file, out var inputSchema);
        return (loaded, inputSchema);
    }

    private static void SameBehaviour(string step, ITransformer fitted, ITransformer loaded, IDataView data)
    {
        var schema = Step($"{step}: GetOutputSchema", () => fitted.GetOutputSchema(data.Schema));
        if (fitted.IsRowToRowMapper)
            Step($"{step}: row to row mapper", () => CheckMapper(fitted, data.Schema, schema));
        else
            Refuses($"{step}: GetRowToRowMapper of a transformer that says it has none", () => fitted.GetRowToRowMapper(data.Schema));
        Step($"{step}: loaded GetOutputSchema",
            () => SchemaComparison.AssertSame(schema, loaded.GetOutputSchema(data.Schema), "output schema of the loaded transformer"));

        var scored = Step($"{step}: Transform", () => fitted.Transform(data));
        var rescored = Step($"{step}: loaded Transform", () => loaded.Transform(data));
        Step($"{step}: schema of Transform",
            () => SchemaComparison.AssertSame(schema, scored.Schema, "schema of the transformed view against GetOutputSchema"));
        Step($"{step}: schema of loaded Transform",
            () => SchemaComparison.AssertSame(scored.Schema, rescored.Schema, "schema of the view that the loaded transformer made"));
        Step($"{step}: values", () => ViewComparison.AssertSameRows(scored, rescored, "loaded against fitted"));
    }

    private static void CheckMapper(ITransformer fitted, DataViewSchema input, DataViewSchema output)
    {
        var mapper = fitted.GetRowToRowMapper(input);
        Assert.AreSame(input, mapper.InputSchema, "InputSchema is the very schema that was given");
        SchemaComparison.AssertSame(output, mapper.OutputSchema, "OutputSchema of the mapper");
    }

    private static void BothRefuse(string step, string input, ITransformer fitted, ITransformer loaded, IDataView view)
    {
        foreach (var (which, transformer) in new[] { ("fitted", fitted), ("loaded", loaded) })
        {
            Refuses($"{step}: GetOutputSchema of the {which} transformer on {input}", () => transformer.GetOutputSchema(view.Schema));
            Refuses($"{step}: Transform of the {which} transformer on {input}", () => transformer.Transform(view));
        }
    }

    /// <summary>Fails unless <paramref name="action"/> throws what ML.NET throws for input that does not fit.</summary>
    private static void Refuses(string step, Func<object?> action)
    {
        try
        {
            action();
        }
        catch (Exception thrown)
        {
            if (IsRefusal(thrown))
                return;
            throw new AssertFailedException(
                $"Step {step}: expected ArgumentOutOfRangeException or InvalidOperationException, got {thrown.GetType().Name}: "
                + $"{thrown.Message}", thrown);
        }
        throw new AssertFailedException(
            $"Step {step}: it was accepted; expected ArgumentOutOfRangeException or InvalidOperationException.");
    }

    /// <summary>
    /// An exception that came through reflection must be one that ML.NET's checks raised and marked: others have passed code that knows
    /// nothing of schemas.
    /// </summary>
    private static bool IsRefusal(Exception thrown)
    {
        var cause = thrown is TargetInvocationException ? thrown.GetBaseException() : thrown;
        return cause is ArgumentOutOfRangeException or InvalidOperationException and not ObjectDisposedException
            && (cause == thrown || cause.IsMarked());
    }

    private static void Step(string step, Action action) => Step<object?>(step, () =>
    {
        action();
        return null;
    });

    private static T Step<T>(string step, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (AssertFailedException failure)
        {
            throw new AssertFailedException($"Step {step}: {failure.Message}", failure);
        }
        catch (Exception unexpected) when (unexpected is not UnitTestAssertException)
        {
            throw new AssertFailedException($"Step {step}: unexpected {unexpected.GetType().Name}: {unexpected.Message}", unexpected);
        }
    }
}
