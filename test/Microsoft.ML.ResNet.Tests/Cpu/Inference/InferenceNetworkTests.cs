using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tests.Cpu.Kernels;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;

namespace Microsoft.ML.ResNet.Tests.Cpu.Inference;

/// <summary>What scoring does with memory and threads, when there are enough of them and when there are not.</summary>
[TestClass]
public class InferenceNetworkTests
{
    private const int Limit = 60_000; // ms: what fails here would mostly hang

    // 41 million multiply-adds an image: worth sharing out
    private static readonly TrainedResNet Model = ExportedModel.Create(ResNetArchitecture.Parse("cifar-20"), new ImageShape(3, 32, 32),
        "a", "b", "c");

    [TestMethod]
    [Timeout(5 * Limit)]
    [DataRow(1, 3)] // threads share the image
    [DataRow(4, 2)] // each thread has its own
    public void Memory_that_runs_out_anywhere_is_told_to_the_caller_and_the_network_goes_on(int count, int threads)
    {
        var pixels = Pixels(count);
        var expected = Logits(Create(Model, threads: 1), pixels, count);
        using var network = Create(Model, threads);
        for (var (failAt, failed) = (1, true); failed; failAt++)
        {
            network.Workspaces.Dispose(); // whatever comes back is freed, so that every batch allocates again
            var allocator = new CountingAllocator(failAt);
            using (new AllocatorScope(allocator))
                try
                {
                    CollectionAssert.AreEqual(expected, Logits(network, pixels, count));
                    Assert.IsFalse(allocator.Failed, "The refusal was swallowed.");
                    failed = false;
                }
                catch (OutOfMemoryException e) when (e.Message == "refused by a test")
                {
                }
            Assert.AreEqual(0, allocator.Live, $"Something was kept after refusal {failAt}.");
            CollectionAssert.AreEqual(expected, Logits(network, pixels, count), $"after refusal {failAt}");
        }
    }

    [TestMethod]
    public void Memory_that_runs_out_while_a_network_is_made_leaves_the_next_attempt_whole()
    {
        var pixels = Pixels(1);
        float[]? expected = null;
        foreach (var failAt in new[] { 0, 1, 2, 20, 41 })
            using (new AllocatorScope(new CountingAllocator(failAt)))
            {
                if (failAt > 0)
                    Assert.Throws<OutOfMemoryException>(() => Create(Model, threads: 1));
                using var network = Create(Model, threads: 1);
                CollectionAssert.AreEqual(expected ??= Logits(network, pixels, 1), Logits(network, pixels, 1));
            }
    }

    [TestMethod]
    public void Disposal_frees_every_block()
    {
        var allocator = new CountingAllocator();
        using var scope = new AllocatorScope(allocator);
        using (var network = Create(Model, threads: 2))
        {
            Logits(network, Pixels(3), 3);
            Logits(network, Pixels(1), 1);
            Assert.IsGreaterThan(0, allocator.Live);
        }
        Assert.AreEqual(0, allocator.Live);
    }

    [TestMethod]
    public void The_peak_of_many_callers_at_once_is_not_kept()
    {
        var allocator = new CountingAllocator();
        using var scope = new AllocatorScope(allocator);
        FeatureMap[] maps = [new(0, MapLayout.Inner(new ImageShape(16, 8, 8))), new(1, MapLayout.Inner(new ImageShape(16, 4, 4)))];
        using var pool = new WorkspacePool(maps, most: 3);

        var rented = Enumerable.Range(0, 16).Select(_ => pool.Rent(images: 2)).ToList();
        foreach (var workspace in rented)
            workspace.Return(workspace.Rent(100));
        Assert.AreEqual(16 * 3, allocator.Live);
        rented.ForEach(pool.Return);

        Assert.AreEqual(3, pool.Idle);
        Assert.AreEqual(3 * 3, allocator.Live, "Two maps and scratch memory for each of the three that are kept.");

        pool.Return(pool.Rent(images: 5)); // none of them is large enough
        Assert.AreEqual(3, pool.Idle);
        Assert.AreEqual(3 * 3 - 1, allocator.Live, "The new one has no scratch memory yet.");

        pool.Dispose();
        Assert.AreEqual(0, allocator.Live);
    }

    [TestMethod]
    [Timeout(2 * Limit)]
    public void Many_callers_at_once_get_the_logits_of_one_and_leave_few_workspaces()
    {
        var pixels = Pixels(3);
        var expected = Logits(Create(Model, threads: 1), pixels, 3);
        using var network = Create(Model, threads: 2);
        var wrong = 0;
        var callers = Enumerable.Range(0, 16).Select(caller => new Thread(() =>
        {
            for (var round = 0; round < 3; round++)
            {
                var count = (caller + round) % 3 + 1;
                if (!Logits(network, pixels, count).AsSpan().SequenceEqual(expected.AsSpan(0, 3 * count)))
                    Interlocked.Increment(ref wrong);
            }
        })).ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());

        Assert.AreEqual(0, wrong);
        Assert.IsLessThanOrEqualTo(Math.Max(2, Environment.ProcessorCount), network.Workspaces.Idle);
    }

    [TestMethod]
    [Timeout(Limit)]
    [DataRow(1)]
    [DataRow(8)]
    public void Scoring_waits_for_no_thread_of_the_pool(int count)
    {
        using var network = Create(Model, threads: 4);
        var (pixels, expected) = (Pixels(count), Logits(Create(Model, threads: 1), Pixels(count), count));
        using var gate = new ManualResetEventSlim();
        using var left = new CountdownEvent(400);
        for (var item = 0; item < 400; item++)
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                gate.Wait();
                left.Signal();
            }, null);
        try
        {
            CollectionAssert.AreEqual(expected, Logits(network, pixels, count)); // the gate opens behind it
        }
        finally
        {
            gate.Set();
            left.Wait();
        }
    }

    [TestMethod]
    [DataRow("cifar-11", 3, 18, 14)]
    [DataRow("cifar-8-optionA", 1, 12, 12)]
    [DataRow("imagenet-18", 3, 33, 40)]
    public void Networks_stay_between_their_guard_pages(string architecture, int channels, int height, int width)
    {
        GuardedAllocator.SkipWhereThereIsNone();
        var model = ExportedModel.Create(ResNetArchitecture.Parse(architecture), new ImageShape(channels, height, width), "a", "b", "c");
        var pixels = ExportedModel.Images(model.Shape, 3).SelectMany(image => image).ToArray();
        var expected = Logits(Create(model, threads: 1), pixels, 3);
        foreach (var below in new[] { false, true })
            using (new AllocatorScope(new GuardedAllocator(below)))
            using (var network = Create(model, threads: 2))
                CollectionAssert.AreEqual(expected, Logits(network, pixels, 3));
    }

    [TestMethod]
    [DataRow(3, 32, true)]
    [DataRow(3, 2000, true)]
    [DataRow(3, 30_000, false)]
    [DataRow(3, int.MaxValue / 4, false)]
    public void Images_whose_maps_would_be_too_large_are_left_to_libtorch(int channels, int size, bool fits)
        => Assert.AreEqual(fits, InferenceNetwork.Fits((ExportedModel.Tiny() with { Shape = new ImageShape(channels, size, size) }).Plan));

    [TestMethod]
    public void Every_map_counts_and_not_only_the_last()
    {
        var wide = ResNetArchitecture.Cifar(8) with { Stages = [new(1040, 1, 1), new(16, 1, 2)] };
        Assert.IsFalse(Fits(2048));
        Assert.IsTrue(Fits(256));

        bool Fits(int size) => InferenceNetwork.Fits(
            (ExportedModel.Tiny() with { Architecture = wide, Shape = new ImageShape(1, size, size) }).Plan);
    }

    private static InferenceNetwork Create(TrainedResNet model, int threads)
        => new(model.Plan, FoldedWeights.Of(model), model.Normalization, TileKernel.Fastest, threads);

    private static byte[] Pixels(int count) => [.. ExportedModel.Images(Model.Shape, count).SelectMany(image => image)];

    private static float[] Logits(InferenceNetwork network, byte[] pixels, int count)
    {
        var logits = new float[count * 3];
        network.Run(pixels.AsMemory(0, pixels.Length), count, network.Plan.Steps[^1], logits);
        return logits;
    }
}
