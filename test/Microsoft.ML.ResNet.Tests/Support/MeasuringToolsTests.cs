using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Support;

[TestClass]
public sealed class MeasuringToolsTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed record Row(float A, float B, string C);

    private CountingView Rows => new(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => new Row(i, i, "c"))));

    [TestMethod]
    public void A_counting_view_counts_cursors_rows_and_columns()
    {
        var view = Rows;
        using (var cursor = view.GetRowCursor([view.Schema["B"]]))
        {
            cursor.MoveNext();
            cursor.MoveNext();
            Assert.AreEqual((1, 1, 2), (view.CursorsOpened, view.CursorsOpen, view.RowsRead));
        }
        Assert.AreEqual(0, view.CursorsOpen);
        Assert.AreEqual("B", string.Join(' ', view.ActivatedColumns));
        Assert.AreEqual(0, view.Activations("A"));

        foreach (var cursor in view.GetRowCursorSet(view.Schema, 2))
            cursor.Dispose();
        Assert.AreEqual("A B C", string.Join(' ', view.ActivatedColumns));
        view.Reset();
        Assert.AreEqual((0, 0, 0, 0), (view.CursorsOpened, view.CursorsOpen, view.RowsRead, view.ActivatedColumns.Count));
    }

    [TestMethod]
    public void A_counting_view_passes_the_view_workout_and_sees_what_a_trainer_reads()
    {
        ViewWorkout.Run(Rows);
        var view = Rows;
        _ml.Transforms.NormalizeMinMax("A").Fit(view);
        Assert.AreEqual((1, 0, 5), (view.CursorsOpened, view.CursorsOpen, view.RowsRead));
        Assert.AreEqual("A", string.Join(' ', view.ActivatedColumns));
    }

    [TestMethod]
    public void A_census_counts_what_was_not_disposed()
    {
        var census = TensorCensus.Start();
        using (NewDisposeScope())
            _ = rand(3) + rand(3);
        census.AssertNoSurvivors();
        census.AssertNoSurvivorsAnywhere();

        var survivor = rand(3);
        census.AssertNoSurvivors(expected: 1);
        census.AssertNoSurvivorsAnywhere(expected: 1);
        Assert.ThrowsExactly<AssertFailedException>(() => census.AssertNoSurvivors());
        Assert.ThrowsExactly<AssertFailedException>(() => census.AssertNoSurvivorsAnywhere());
        survivor.Dispose();
        census.AssertNoSurvivors();
        census.AssertNoSurvivorsAnywhere();
    }

    [TestMethod]
    public void A_census_is_not_fooled_by_the_finalizer()
    {
        var census = TensorCensus.Start();
        Task.Run(Abandon).Wait();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        census.AssertNoSurvivorsAnywhere(expected: 10);
        Abandon();
        census.AssertNoSurvivors(expected: 10);
        census.AssertNoSurvivorsAnywhere(expected: 20);

        static void Abandon()
        {
            for (var i = 0; i < 10; i++)
                _ = rand(3);
        }
    }

    [TestMethod]
    public void A_census_of_this_thread_is_right_for_parameters()
    {
        var census = TensorCensus.Start();
        using (var layer = nn.Linear(4, 2))
        using (NewDisposeScope())
        {
            var optimizer = optim.SGD(layer.parameters(), 0.1);
            layer.forward(rand(3, 4)).sum().backward();
            optimizer.step();
        }
        census.AssertNoSurvivors();
        census.AssertNoSurvivorsAnywhere(expected: 2); // TorchSharp's phantoms: weight and bias
    }

    [TestMethod]
    public void A_census_is_taken_on_the_thread_that_started_it()
    {
        var census = TensorCensus.Start();
        var failure = Assert.ThrowsExactly<AggregateException>(() => Task.Run(() => census.Survivors).Wait());
        Assert.IsInstanceOfType<InvalidOperationException>(failure.InnerException);
    }

    [TestMethod]
    public void Resident_memory_grows_with_what_is_touched()
    {
        if (ResidentMemory.Bytes() is not { } before)
        {
            Assert.IsFalse(OperatingSystem.IsLinux(), "Linux has /proc.");
            return;
        }
        var block = new byte[64 << 20];
        Array.Fill(block, (byte)1);
        Assert.IsGreaterThan(before + (32 << 20), ResidentMemory.Bytes()!.Value);
        GC.KeepAlive(block);
    }

    [TestMethod]
    public void Resident_memory_is_told_in_bytes() => Assert.AreEqual(5120 * 1024L, ResidentMemory.Parse("VmRSS:\t    5120 kB"));
}
