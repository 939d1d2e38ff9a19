using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

[TestClass]
public sealed class EstimatorWorkoutTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed record Point([property: VectorType(2)] float[] Features, string Species, float Weight);

    private sealed record KeyedPoint([property: VectorType(2)] float[] Features, [property: KeyType(3)] uint Label,
        [property: VectorType] float[] Any);

    private sealed record NumberedPoint([property: VectorType(2)] float[] Features, float Number);

    private sealed record WidePoint([property: VectorType(3)] float[] Features, [property: KeyType(3)] uint Label);

    private sealed record Dot([property: VectorType(3, 1, 1)] byte[] Pixel);

    private sealed record Unlabelled([property: VectorType(2)] float[] Features);

    private sealed record Stranger(string Features, double Weight);

    /// <summary>12 points in three clusters, each a species.</summary>
    private IDataView Points
        => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(i => new Point(Features(i), $"species {i % 3}", i)));

    private IDataView Strangers => _ml.Data.LoadFromEnumerable(new[] { new Stranger("not a vector", 1) });

    private IEstimator<ITransformer> Copy => _ml.Transforms.CopyColumns("Twin", "Weight");

    [TestMethod]
    public void Copying_a_column_passes() => EstimatorWorkout.Run(_ml, Copy, Points);

    [TestMethod]
    public void Mapping_text_to_keys_passes_and_refuses_input_without_the_column() =>
        EstimatorWorkout.Run(_ml, _ml.Transforms.Conversion.MapValueToKey("Label", "Species"), Points, invalidInput: Strangers);

    [TestMethod]
    public void A_classifier_of_text_keys_passes()
        => Classify(_ml.Transforms.Conversion.MapValueToKey("Label", "Species").Fit(Points).Transform(Points));

    [TestMethod]
    public void A_classifier_of_number_keys_passes()
        => Classify(_ml.Transforms.Conversion.MapValueToKey("Label", "Number").Fit(Numbers).Transform(Numbers));

    [TestMethod]
    public void A_classifier_of_keys_without_values_passes() => Classify(Keys);

    [TestMethod]
    public void A_classifier_that_needs_its_label_only_for_Fit_passes() =>
        EstimatorWorkout.Run(_ml, _ml.MulticlassClassification.Trainers.NaiveBayes(), Keys,
            validTransformInput: _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => new Unlabelled(Features(i)))));

    [TestMethod]
    public void A_classifier_that_needs_as_many_features_as_it_was_fitted_with_passes() =>
        EstimatorWorkout.Run(_ml, _ml.MulticlassClassification.Trainers.NaiveBayes(), Keys,
            validForFitNotForTransform: _ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 12).Select(i => new WidePoint([.. Features(i), i], 1 + (uint)i % 3))));

    [TestMethod]
    public void Input_with_images_passes_though_the_model_file_forgets_their_column()
    {
        var images = _ml.Transforms.ConvertToImage(1, 1, "Image", "Pixel").Fit(Pixels).Transform(Pixels);
        EstimatorWorkout.Run(_ml, _ml.Transforms.CopyColumns("Twin", "Image"), images, invalidInput: Points);
    }

    [TestMethod]
    public void A_promise_without_the_annotations_is_caught_in_step_10()
        => Caught("10", "KeyValues", new DistortedEstimator(_ml.Transforms.Conversion.MapValueToKey("Label", "Species"))
        {
            Promise = (good, input)
                => new(good(input).Select(column => new SchemaShape.Column(column.Name, column.Kind, column.ItemType, column.IsKey))),
        });

    [TestMethod]
    public void A_promised_annotation_that_is_not_delivered_is_caught_in_step_10() => Caught("10", "KeyValues", new DistortedEstimator(Copy)
    {
        Promise = (good, input)
            => new(good(input).Select(column => new SchemaShape.Column(column.Name, column.Kind, column.ItemType, column.IsKey,
            new([new("KeyValues", SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false)])))),
    });

    [TestMethod]
    public void A_promised_column_that_is_not_delivered_is_caught_in_step_10() => Caught("10", "Ghost", new DistortedEstimator(Copy)
    {
        Promise = (good, input)
            => new(good(input).Append(new("Ghost", SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false))),
    });

    [TestMethod]
    public void A_promise_of_another_type_is_caught_in_step_10()
        => Caught("10", "'Twin' was promised as Double and delivered as Single", new DistortedEstimator(Copy)
        {
            Promise = (good, input)
                => new(good(input)
                .Select(column => column.Name == "Twin" ? new(column.Name, column.Kind, NumberDataViewType.Double, false) : column)),
        });

    [TestMethod]
    public void An_estimator_that_promises_a_schema_for_invalid_input_is_caught_in_step_3()
        => Caught("3: the estimator's GetOutputSchema", "accepted", new DistortedEstimator(Copy)
        {
            Promise = (_, input) => input,
        }, invalidInput: Empty);

    [TestMethod]
    public void An_estimator_that_fits_invalid_input_is_caught_in_step_3() => Caught("3: Fit", "accepted", new DistortedEstimator(Copy)
    {
        Training = (good, _) => good(Points),
    }, invalidInput: Empty);

    [TestMethod]
    public void An_estimator_that_fits_without_a_label_is_caught_in_step_2()
        => Caught("2: the estimator's", "accepted", Copy, validTransformInput: Points);

    [TestMethod]
    public void An_estimator_that_refuses_valid_input_is_caught_in_step_4()
        => Caught("4: the estimator's", "ArgumentOutOfRangeException", Copy, validForFitNotForTransform: Empty);

    [TestMethod]
    [DataRow(typeof(NullReferenceException))]
    [DataRow(typeof(ArgumentNullException))]
    [DataRow(typeof(ArgumentException))]
    [DataRow(typeof(FormatException))]
    [DataRow(typeof(ObjectDisposedException))]
    public void A_refusal_by_the_wrong_exception_is_caught_in_step_3(Type type) => Caught("3", type.Name, new DistortedEstimator(Copy)
    {
        Promise = (good, input)
            => input.Any(column => column.Name == "Weight") ? good(input) : throw (Exception)Activator.CreateInstance(type, "wrong")!,
    }, invalidInput: Empty);

    [TestMethod]
    public void A_failing_Fit_is_caught_in_step_5() => Caught("5", "NotSupportedException: out of luck", new DistortedEstimator(Copy)
    {
        Training = (_, _) => throw new NotSupportedException("out of luck"),
    });

    [TestMethod]
    public void A_saved_model_that_writes_other_values_is_caught_in_step_7()
    {
        var other = _ml.Transforms.NormalizeMinMax("Weight").Fit(_ml.Data.LoadFromEnumerable(new[] { new Point([1, 2], "far", 1000) }));
        Caught("7, input for Fit: values", "column 'Weight'",
            Distorted(_ml.Transforms.NormalizeMinMax("Weight"), good => new(good) { Saved = other }));
    }

    [TestMethod]
    public void A_saved_model_that_makes_another_column_is_caught_in_step_7() =>
        Caught("7, input for Fit: loaded GetOutputSchema", "Twin",
            Distorted(Copy, good => new(good) { Saved = _ml.Transforms.CopyColumns("Stepchild", "Weight").Fit(Points) }));

    [TestMethod]
    public void A_saved_model_that_forgets_annotation_values_is_caught_in_step_7()
    {
        var keys = _ml.Transforms.Conversion.MapValueToKey("Label", "Species");
        var renamed = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3).Select(i => new Point([1, 2], $"kind {i}", i)));
        Caught("7", "KeyValues differs", Distorted(keys, good => new(good) { Saved = keys.Fit(renamed) }));
    }

    [TestMethod]
    public void A_difference_below_the_tolerance_is_not_caught() => EstimatorWorkout.Run(_ml, Distorted(Copy, good => new(good)
    {
        View = view => new DistortedView(
            view)
        { Cursor = (cursor, _, _) => new DistortedCursor(cursor) { Floats = value => value + (value == 0 ? 9e-7f : 0) } },
    }), Points);

    [TestMethod]
    public void A_difference_above_the_tolerance_is_caught()
        => Caught("7, input for Fit: values", "differs", Distorted(Copy, good => new(good)
        {
            View = view => new DistortedView(
                view)
            { Cursor = (cursor, _, _) => new DistortedCursor(cursor) { Floats = value => value + (value == 0 ? 1.1e-6f : 0) } },
        }));

    [TestMethod]
    public void A_view_with_another_schema_than_the_transformer_tells_is_caught_in_step_7() =>
        Caught("7, input for Fit: schema of Transform", "columns", Distorted(Copy, good => new(good) { View = _ => Points }));

    [TestMethod]
    public void A_transformer_that_accepts_invalid_input_is_caught_in_step_8() =>
        Caught("8: GetOutputSchema of the fitted", "accepted",
            Distorted(Copy, good => new(good) { Schema = (tell, input) => input.Count == 0 ? input : tell(input) }), invalidInput: Empty);

    [TestMethod]
    public void A_mapper_of_another_input_is_caught_in_step_7() =>
        Caught("7, input for Fit: row to row mapper", "InputSchema",
            Distorted(Copy, good => new(good) { Mapper = (map, _) => map(Points.Schema) }));

    [TestMethod]
    public void A_mapper_that_is_given_out_but_denied_is_caught_in_step_7() =>
        Caught("7, input for Fit: GetRowToRowMapper", "accepted", Distorted(Copy, good => new(good) { ClaimsMapper = false }));

    [TestMethod]
    public void The_fitted_transformer_is_disposed_only_if_asked()
    {
        var disposed = 0;
        var estimator = Distorted(Copy, good => new(good) { Disposing = () => disposed++ });
        EstimatorWorkout.Run(_ml, estimator, Points, disposeTransformer: false);
        Assert.AreEqual(0, disposed);
        EstimatorWorkout.Run(_ml, estimator, Points);
        Assert.AreEqual(2, disposed, "Disposed, and once more, which must do no harm");
    }

    /// <summary>Rows without columns.</summary>
    private IDataView Empty => _ml.Transforms.DropColumns("Features", "Species", "Weight").Fit(Points).Transform(Points);


    private IDataView Numbers
        => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(i => new NumberedPoint(Features(i), 10 * (i % 3))));

    private IDataView Pixels => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(i => new Dot([1, 2, (byte)i])));

    private IDataView Keys
        => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(i => new KeyedPoint(Features(i), 1 + (uint)i % 3, new float[i % 2])));

    private static float[] Features(int i) => [i % 3 == 1 ? 1 : 0.1f * (i % 4), i % 3 == 2 ? 1 : 0.1f * (i % 2)];

    private void Classify(IDataView labelled) => EstimatorWorkout.Run(_ml,
        _ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(
            new Trainers.SdcaMaximumEntropyMulticlassTrainer.Options { MaximumNumberOfIterations = 3, NumberOfThreads = 1 }),
        labelled, invalidInput: Strangers);

    private static DistortedEstimator Distorted(IEstimator<ITransformer> good, Func<ITransformer, DistortedTransformer> bend) =>
        new(good) { Training = (fit, data) => bend(fit(data)) };

    private void Caught(string step, string because, IEstimator<ITransformer> broken,
        IDataView? validTransformInput = null, IDataView? invalidInput = null, IDataView? validForFitNotForTransform = null)
    {
        var failure = Assert.ThrowsExactly<AssertFailedException>(
            () => EstimatorWorkout.Run(_ml, broken, Points, validTransformInput, invalidInput, validForFitNotForTransform));
        StringAssert.StartsWith(failure.Message, $"Step {step}", StringComparison.Ordinal);
        StringAssert.Contains(failure.Message, because, StringComparison.Ordinal);
    }
}
