using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Augmentation;

/// <summary>
/// Mixup and CutMix against their formulas, restated pixel by pixel. Every image has a label of its own, so that its partner is known.
/// </summary>
[TestClass]
public class ImageMixTests
{
    private const int Count = 40, Channels = 3, Height = 9, Width = 12;

    [TestMethod]
    public void Mixup_is_the_weighted_sum_of_every_image_and_its_partner()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var (own, partner, mixed, partners, share) = Apply(new Mixup(1), seed);

            CollectionAssert.AreEquivalent(Enumerable.Range(0, Count).ToArray(), partners, "every image is a partner once");
            for (var i = 0; i < own.Length; i++)
                Assert.AreEqual(share * own[i] + (1 - share) * partner[i], mixed[i], 0.5 + 1e-3, "but for rounding");
        }
    }

    [TestMethod]
    public void CutMix_pastes_one_rectangle_whose_area_is_the_part_of_the_partner()
    {
        var areas = new HashSet<int>();
        for (var seed = 0; seed < 60; seed++)
        {
            var (own, partner, mixed, partners, share) = Apply(new CutMix(), seed);

            CollectionAssert.AreEquivalent(Enumerable.Range(0, Count).ToArray(), partners);
            var first = Enumerable.Range(0, Count).First(image => partners[image] != image);
            var pasted = Positions().Where(p => mixed[Index(first, 0, p.Y, p.X)] != own[Index(first, 0, p.Y, p.X)]).ToHashSet();
            for (var image = 0; image < Count; image++)
                for (var channel = 0; channel < Channels; channel++)
                    foreach (var p in Positions())
                        Assert.AreEqual((pasted.Contains(p) ? partner : own)[Index(image, channel, p.Y, p.X)],
                            mixed[Index(image, channel, p.Y, p.X)]);
            if (pasted.Count > 0)
                Assert.AreEqual((pasted.Max(p => p.Y) - pasted.Min(p => p.Y) + 1) * (pasted.Max(p => p.X) - pasted.Min(p => p.X) + 1),
                    pasted.Count, "a rectangle without holes");
            Assert.AreEqual(1 - pasted.Count / (double)(Height * Width), share, 1e-12);
            areas.Add(pasted.Count);
        }
        Assert.IsGreaterThan(15, areas.Count, "of many sizes");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void The_same_random_numbers_mix_alike_and_the_batch_stays_as_it_was(bool cuts)
    {
        ImageMix mix = cuts ? new CutMix() : new Mixup(1);

        var (first, second, other) = (Apply(mix, 3), Apply(mix, 3), Apply(mix, 4));

        CollectionAssert.AreEqual(first.Mixed, second.Mixed);
        Assert.AreEqual(first.Share, second.Share);
        CollectionAssert.AreNotEqual(first.Mixed, other.Mixed);
    }

    [TestMethod]
    public void Probability_says_how_many_batches_are_mixed_and_the_others_are_left_alone()
    {
        var mixed = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            using var scope = NewDisposeScope();
            var batch = Batch(seed);
            var result = new CutMix { Probability = 0.25 }.Apply(batch, new Random(seed));
            mixed += result.Partners is null ? 0 : 1;
            if (result.Partners is null)
                Assert.IsTrue(ReferenceEquals(batch.Pixels, result.Images.Pixels) && ReferenceEquals(batch.Labels, result.DominantLabels)
                    && result.Share == 1);
        }
        Assert.IsInRange(30, 70, mixed);
    }

    [TestMethod]
    public void Labels_of_the_larger_part_dominate_and_weights_go_with_their_rows()
    {
        using var scope = NewDisposeScope();
        var seen = new HashSet<bool>();
        for (var seed = 0; seed < 20; seed++)
        {
            var result = new Mixup(1).Apply(Batch(seed), new Random(seed));

            Assert.IsTrue(ReferenceEquals(result.Share < 0.5 ? result.PartnerLabels : result.Images.Labels, result.DominantLabels));
            seen.Add(result.Share < 0.5);
            var (labels, weights) = (result.PartnerLabels!.data<long>().ToArray(), result.PartnerWeights!.data<float>().ToArray());
            CollectionAssert.AreEqual(labels.Select(label => WeightOf(label)).ToArray(), weights);
        }
        Assert.HasCount(2, seen, "both happen");
    }

    [TestMethod]
    public void Mixes_print_themselves_and_say_what_is_wrong()
    {
        Assert.AreEqual("mixup(0.2)", new Mixup().ToString());
        Assert.AreEqual("cutmix(1) of 0.5 of the batches", new CutMix { Probability = 0.5 }.ToString());
        Assert.AreEqual(new CutMix(0.5), new CutMix(alpha: 0.5));
        Assert.AreNotEqual<ImageMix>(new CutMix(0.5), new Mixup(0.5));

        var problems = (TrainingRecipe.Tutorial with { Mix = new Mixup(0) { Probability = double.NaN } }).Problems().ToList();

        Assert.HasCount(2, problems);
        StringAssert.Contains(problems[0], "Mixup.Alpha is 0");
        StringAssert.Contains(problems[1], "Mixup.Probability is NaN");
    }

    private static float WeightOf(long label) => 0.5f + label / 8f;

    private static PixelBatch Batch(int seed)
    {
        var random = new Random(seed);
        // Even and odd images differ everywhere, and so do neighbours: what was pasted shows.
        var pixels = new byte[Count * Channels * Height * Width];
        for (var image = 0; image < Count; image++)
            Array.Fill(pixels, (byte)(6 * image + random.Next(6)), image * (pixels.Length / Count), pixels.Length / Count);
        var labels = Enumerable.Range(0, Count).Select(image => (long)image).ToArray();
        return new(tensor(pixels, [Count, Channels, Height, Width], ScalarType.Byte), tensor(labels),
            tensor(labels.Select(WeightOf).ToArray()));
    }

    private static (byte[] Own, byte[] Partner, byte[] Mixed, int[] Partners, double Share) Apply(ImageMix mix, int seed)
    {
        var census = TensorCensus.Start();
        try
        {
            using var scope = NewDisposeScope();
            var batch = Batch(seed);
            var own = batch.Pixels.data<byte>().ToArray();
            var result = mix.Apply(batch, new Random(seed));
            CollectionAssert.AreEqual(own, batch.Pixels.data<byte>().ToArray(), "not written to");
            var partners = result.PartnerLabels!.data<long>().Select(label => (int)label).ToArray();
            var size = own.Length / Count;
            return (own, [.. partners.SelectMany(image => own.AsSpan(image * size, size).ToArray())], result.Images.Pixels.data<byte>()
                .ToArray(), partners, result.Share);
        }
        finally
        {
            census.AssertNoSurvivors();
        }
    }

    private static int Index(int image, int channel, int y, int x) => ((image * Channels + channel) * Height + y) * Width + x;

    private static IEnumerable<(int Y, int X)> Positions() => Enumerable.Range(0, Height * Width).Select(i => (i / Width, i % Width));
}
