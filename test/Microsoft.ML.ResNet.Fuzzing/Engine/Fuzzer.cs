namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>Gives mutated inputs to one reader and judges the answers. The same seed gives the same inputs.</summary>
public sealed class Fuzzer
{
    // A limit that is exceeded once may be the machine's fault, or the price of a first call; exceeded each time it is the input's.
    private const int Tries = 3;
    private const long NativeLimit = 768L << 20; // an image of 100,000,000 pixels is 400 MB

    private readonly FuzzTarget _target;
    private readonly Mutator _mutator;
    private readonly Pool _pool;
    private readonly FlightRecorder? _recorder;
    private readonly Random _random;
    private long _peak = PeakMemory.Bytes;

    /// <summary>Prepares a reader: its seeds are its first inputs.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="seed">Decides what is drawn.</param>
    /// <param name="onFinding">Is told of each finding.</param>
    public Fuzzer(FuzzTarget target, int seed, Action<Finding> onFinding) : this(target, seed, onFinding, null)
    {
    }

    internal Fuzzer(FuzzTarget target, int seed, Action<Finding> onFinding, FlightRecorder? recorder)
    {
        (_target, OnFinding, _recorder) = (target, onFinding, recorder);
        (_mutator, _pool) = (new(target.Tokens, target.LongestInput), new(target.Seeds));
        _random = new(unchecked((int)System.IO.Hashing.XxHash3.HashToUInt64(System.Text.Encoding.UTF8.GetBytes(target.Name), seed)));
        foreach (var input in target.Seeds)
            Try(input);
        (Accepted, Refused, Findings) = (0, 0, 0);
    }

    /// <summary>Inputs that the reader took.</summary>
    public long Accepted { get; private set; }

    /// <summary>Inputs that it refused as documented.</summary>
    public long Refused { get; private set; }

    /// <summary>Inputs that it answered otherwise.</summary>
    public long Findings { get; private set; }

    /// <summary>How many inputs others are made from.</summary>
    public int PoolSize => _pool.Count;

    private Action<Finding> OnFinding { get; }

    /// <summary>Tries a number of inputs.</summary>
    public void Run(int inputs)
    {
        for (; inputs > 0; inputs--)
            Try(_mutator.Mutate(_random, _pool.Pick(_random), _pool.Pick(_random)));
    }

    private void Try(byte[] input)
    {
        _recorder?.Begin(_target, input);
        try
        {
            var (cost, outcome) = (default(Cost), default(Outcome));
            for (var tries = 0; tries < Tries; tries++)
            {
                cost = Cost.Of(_target.Read, input, out outcome);
                if (cost.Fits(_target, input.Length, out var kind))
                    break;
                if (tries == Tries - 1)
                    Report(new(_target.Name, kind, input, $"{cost}; {outcome}"));
            }
            if (outcome.IsAccepted)
                Accepted++;
            else
                Refused++;
            _pool.Offer(input, outcome);
        }
#pragma warning disable CA1031 // what is not documented is what we look for
        catch (Exception e)
#pragma warning restore CA1031
        {
            Report(Finding.Of(_target.Name, input, e));
        }
        WatchNativeMemory(input);
        _recorder?.End();
    }

    private void WatchNativeMemory(byte[] input)
    {
        if (_recorder is null) // in a process of its own alone
            return;
        var peak = PeakMemory.Bytes;
        if (peak - _peak <= NativeLimit)
            return;
        _peak = peak;
        Report(new(_target.Name, "memory", input, $"The process has taken {peak} bytes."));
    }

    private void Report(Finding finding)
    {
        Findings++;
        OnFinding(finding);
    }
}
