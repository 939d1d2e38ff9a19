using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Collects the images of some rows, computes them together and serves the results row by row. An image that cannot be read has NaN for
/// every number, and its predicted class is missing. Serves one cursor.
/// </summary>
/// <param name="output">What is computed of an image: scores, or features.</param>
/// <param name="target">What every image becomes.</param>
/// <param name="capacity">Rows in a full batch; at least 1.</param>
internal sealed class ScoreBuffer(ImageOutput output, ImageTarget target, int capacity)
{
    private readonly byte[] _pixels = new byte[capacity * target.Shape.Size];
    private readonly float[] _values = new float[capacity * output.Width];
    private readonly int[] _slots = new int[capacity]; // the row's place among the readable images, or -1
    private readonly string?[] _problems = new string?[capacity]; // why the row's image could not be read
    private readonly PendingFiles _pending = new(target);
    private int _readable;
    private long _rows; // before the batch

    /// <summary>The images that could not be read since the buffer was made.</summary>
    public ImageProblems Problems { get; } = new();

    /// <summary>Rows in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no more row fits.</summary>
    public bool IsFull => Count == capacity;

    /// <summary>Forgets all rows.</summary>
    public void Clear()
    {
        _rows += Count;
        Count = _readable = 0;
    }

    /// <summary>Adds the image of a reader's current row.</summary>
    public void Add(ImageColumnReader image)
    {
        (_slots[Count], _problems[Count]) = (-1, null);
        if (capacity > 1 && image.CopyFile() is { } file) // the decoding of a single one is not worth sharing
        {
            _pending.Add(Count++, file);
            if (_pending.AreEnough)
                DecodePending();
            return;
        }
        var size = target.Shape.Size;
        var isReadable = image.TryRead(target, _pixels.AsSpan(_readable * size, size), out _, out var problem);
        if (!isReadable)
            Problems.Add(_rows + Count, _problems[Count] = problem!);
        _slots[Count++] = isReadable ? _readable++ : -1;
    }

    /// <summary>Tells whoever listens which images could not be read.</summary>
    /// <param name="channels">Where ML.NET's log is.</param>
    public void Report(IChannelProvider channels)
    {
        using var channel = channels.Start("Scoring");
        channel.Warning($"{Problems.Count} images could not be read: {output.OfNone} ({Problems}).");
    }

    /// <summary>Computes the rows.</summary>
    public void Score()
    {
        DecodePending();
        if (_readable > 0)
            output.Compute(_pixels, _readable, _values);
    }

    /// <summary>Gives the numbers of a row: its probabilities, or its features.</summary>
    public void GetValues(int row, ref VBuffer<float> value)
    {
        var editor = VBufferEditor.Create(ref value, output.Width);
        if (_slots[row] < 0)
            editor.Values.Fill(float.NaN);
        else
            ValuesOf(row).CopyTo(editor.Values);
        value = editor.Commit();
    }

    /// <summary>Gives the predicted class of a row as a key: from 1, the first of equals; 0 is missing.</summary>
    public void GetPredictedLabel(int row, ref uint value)
    {
        value = 0;
        if (_slots[row] < 0)
            return;
        var scores = ValuesOf(row);
        var best = 0;
        for (var i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best])
                best = i;
        value = float.IsNaN(scores[best]) ? 0 : (uint)best + 1; // ML.NET's scorers do so too
    }

    /// <summary>Gives why a row has no scores, and no text where it has some.</summary>
    public void GetProblem(int row, ref ReadOnlyMemory<char> value)
    {
        uint label = 0;
        GetPredictedLabel(row, ref label);
        value = label > 0 ? default : (_problems[row] ?? PictureScorer.NoNumbers).AsMemory();
    }

    // Images that could be read lie side by side, so those behind one that could not move up.
    private void DecodePending()
    {
        var (size, next) = (target.Shape.Size, _readable);
        foreach (var (row, problem) in _pending.Decode(_pixels.AsMemory(_readable * size)))
        {
            if (problem is not null)
                Problems.Add(_rows + row, _problems[row] = problem);
            else
            {
                if (next != _readable)
                    _pixels.AsSpan(next * size, size).CopyTo(_pixels.AsSpan(_readable * size));
                _slots[row] = _readable++;
            }
            next++;
        }
    }

    private ReadOnlySpan<float> ValuesOf(int row) => _values.AsSpan(_slots[row] * output.Width, output.Width);
}
