namespace Microsoft.ML.ResNet.Fuzzing;

/// <summary>
/// The inputs that others are made from: the seeds, and those that a reader described in words that it had not used before. A reader that
/// says where and why it refuses tells thereby which of its branches an input reached, without instrumented code.
/// </summary>
internal sealed class Pool
{
    private const int MostKept = 400;

    private readonly List<byte[]> _inputs;
    private readonly int _seeds;
    private readonly HashSet<ulong> _heard = [];

    public Pool(IReadOnlyList<byte[]> seeds) => (_inputs, _seeds) = ([.. seeds], seeds.Count);

    public int Count => _inputs.Count;

    /// <summary>Any input, the seeds as often as all others together.</summary>
    public byte[] Pick(Random random) => _inputs[random.Next(2) == 0 ? random.Next(_seeds) : random.Next(_inputs.Count)];

    /// <summary>Keeps an input if its description is new.</summary>
    public void Offer(byte[] input, Outcome outcome)
    {
        if (_inputs.Count < _seeds + MostKept && _heard.Add(Words(outcome)))
            _inputs.Add(input);
    }

    /// <summary>A hash of a description without its numbers and quotations (FNV-1a).</summary>
    private static ulong Words(Outcome outcome)
    {
        var (hash, isQuoted, last) = (outcome.IsAccepted ? 14695981039346656037 : 14695981039346656038, false, '\0');
        foreach (var character in outcome.Description.AsSpan(0, Math.Min(outcome.Description.Length, 500)))
        {
            var one = char.IsAsciiDigit(character) ? '0' : character;
            if (one == '\'')
                isQuoted = !isQuoted;
            if (isQuoted || (one == '0' && last == '0'))
                continue;
            hash = (hash ^ one) * 1099511628211;
            last = one;
        }
        return hash;
    }
}
