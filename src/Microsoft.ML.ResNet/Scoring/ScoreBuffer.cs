using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Collects the images of some rows, scores them together and serves the results row by row. An image that cannot be read scores NaN
/// for every class, and its predicted class is missing. Serves one cursor.
/// </summary>
/// <param name="scorer">Computes the scores.</param>
/// <param name="target">What every image becomes.</param>
/// <param name="capacity">Rows in a full batch; at least 1.</param>
internal sealed class ScoreBuffer(BatchScorer scorer, ImageTarget target, int capacity)
{
    private readonly byte[] _pixels = new byte[capacity * target.Shape.Size];
    private readonly float[] _scores = new float[capacity * scorer.Classes];
    private readonly int[] _slots = new int[capacity]; // the row's place among the readable images, or -1
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
        var size = target.Shape.Size;
        var isReadable = image.TryRead(target, _pixels.AsSpan(_readable * size, size), out _, out var problem);
        if (!isReadable)
            Problems.Add(_rows + Count, problem!);
        _slots[Count++] = isReadable ? _readable++ : -1;
    }

    /// <summary>Tells whoever listens which images could not be read.</summary>
    /// <param name="channels">Where ML.NET's log is.</param>
    public void Report(IChannelProvider channels)
    {
        using var channel = channels.Start("Scoring");
        channel.Warning($"{Problems.Count} images could not be read: their scores are NaN, and their predicted label is missing "
            + $"({Problems}).");
    }

    /// <summary>Scores the rows.</summary>
    public void Score()
    {
        if (_readable > 0)
            scorer.Score(_pixels, _readable, _scores);
    }

    /// <summary>Gives the probabilities of a row.</summary>
    public void GetScores(int row, ref VBuffer<float> value)
    {
        var editor = VBufferEditor.Create(ref value, scorer.Classes);
        if (_slots[row] < 0)
            editor.Values.Fill(float.NaN);
        else
            ScoresOf(row).CopyTo(editor.Values);
        value = editor.Commit();
    }

    /// <summary>Gives the predicted class of a row as a key: from 1, the first of equals; 0 is missing.</summary>
    public void GetPredictedLabel(int row, ref uint value)
    {
        value = 0;
        if (_slots[row] < 0)
            return;
        var scores = ScoresOf(row);
        var best = 0;
        for (var i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best])
                best = i;
        value = float.IsNaN(scores[best]) ? 0 : (uint)best + 1; // ML.NET's scorers do so too
    }

    private ReadOnlySpan<float> ScoresOf(int row) => _scores.AsSpan(_slots[row] * scorer.Classes, scorer.Classes);
}
