using System.Collections.Concurrent;
using Microsoft.ML.ResNet.Fuzzing;
using Microsoft.ML.ResNet.Fuzzing.Readers;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>
/// The first inputs of the fuzzing that <c>build/fuzz.sh</c> does for hours: every reader takes what it is given, or refuses it as it
/// documents, in little time and memory.
/// </summary>
[TestClass]
public sealed class FuzzingTests
{
    private const int InputsForEachShare = 10, Fewest = 40;

    public static IEnumerable<object[]> Readers => AllReaders.Targets.Select(target => new object[] { target.Name });

    [TestMethod]
    [DynamicData(nameof(Readers))]
    public void A_reader_takes_or_refuses_whatever_it_is_given(string reader)
    {
        var target = AllReaders.Named(reader).Single();
        var fuzzer = new Fuzzer(target, seed: 1, Fail);

        fuzzer.Run(Math.Max(Fewest, target.Share * InputsForEachShare));

        Console.WriteLine($"{fuzzer.Accepted} accepted, {fuzzer.Refused} refused; {fuzzer.PoolSize} inputs to start from.");
        Assert.IsGreaterThan(0, fuzzer.Refused);
        Assert.IsGreaterThan(target.Seeds.Count, fuzzer.PoolSize, "Nothing new was heard of the reader.");

        static void Fail(Finding finding) => Assert.Fail($"{finding.Name}: {finding.Details}{Environment.NewLine}"
            + Convert.ToBase64String(finding.Input));
    }

    [TestMethod]
    [DynamicData(nameof(Readers))]
    public void A_reader_takes_its_first_seed(string reader)
    {
        var target = AllReaders.Named(reader).Single();
        var outcome = target.Read((byte[])target.Seeds[0].Clone());
        Assert.IsTrue(outcome.IsAccepted, outcome.Description);
    }

    [TestMethod]
    public void What_is_not_documented_is_found()
    {
        var kinds = new ConcurrentBag<string>();
        var target = new FuzzTarget("planted", 1, [[.. "good"u8]], [[.. "BUG"u8], [.. "BIG"u8], [.. "SLOW"u8]],
            Read)
        { TimeLimit = TimeSpan.FromMilliseconds(30) };

        var fuzzer = new Fuzzer(target, seed: 1, finding => kinds.Add(finding.Kind));
        fuzzer.Run(1000);

        CollectionAssert.AreEquivalent(new[] { "exception", "memory", "time" }, kinds.Distinct().ToList());
        Assert.AreEqual(1000, fuzzer.Accepted + fuzzer.Refused + fuzzer.Findings - kinds.Count(kind => kind != "exception"));

        static Outcome Read(byte[] bytes)
        {
            if (bytes.AsSpan().IndexOf("BUG"u8) >= 0)
                throw new NotSupportedException();
            if (bytes.AsSpan().IndexOf("BIG"u8) >= 0)
                GC.KeepAlive(new byte[16 << 20]);
            if (bytes.AsSpan().IndexOf("SLOW"u8) >= 0 && bytes.Length < 6)
                Thread.Sleep(40);
            return new(bytes.Length > 3, "");
        }
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_inputs()
    {
        Assert.AreEqual(Inputs(1), Inputs(1));
        Assert.AreNotEqual(Inputs(1), Inputs(2));

        static string Inputs(int seed)
        {
            var all = new List<string>();
            new Fuzzer(new("reader", 1, [[.. "{\"a\": 12}"u8], new byte[40]], [[.. "null"u8]], bytes =>
            {
                all.Add(Convert.ToHexString(bytes));
                return new(false, $"{(char)('a' + bytes.Length % 7)}");
            }), seed, _ => Assert.Fail()).Run(500);
            Assert.IsGreaterThan(350, all.Distinct().Count());
            return string.Join('\n', all);
        }
    }
}
