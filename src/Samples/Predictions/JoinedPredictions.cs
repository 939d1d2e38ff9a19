namespace Samples.Predictions;

/// <summary>
/// Puts files of predictions one behind the other, to the very bytes that one <see cref="PredictionWriter"/> would have written of all
/// images.
/// </summary>
/// <param name="format">Their format: csv or json.</param>
/// <param name="output">Where to.</param>
internal sealed class JoinedPredictions(string format, Stream output)
{
    private static readonly byte[] JsonStart = "[\n"u8.ToArray(), JsonBetween = ",\n"u8.ToArray();
    private readonly byte[] _jsonEnd = System.Text.Encoding.ASCII.GetBytes($"\n]{Environment.NewLine}");
    private readonly byte[] _jsonNone = System.Text.Encoding.ASCII.GetBytes($"[]{Environment.NewLine}");
    private bool _isBegun;

    /// <summary>Adds a file.</summary>
    /// <exception cref="FormatException">It is of another format.</exception>
    public void Add(Stream file)
    {
        if (format == "json")
            AddJson(file);
        else
            AddCsv(file);
    }

    /// <summary>Writes what comes after the last.</summary>
    public void End()
    {
        if (format == "json")
            output.Write(_isBegun ? _jsonEnd : _jsonNone);
    }

    // All have the same first line, which stays once.
    private void AddCsv(Stream file)
    {
        if (_isBegun)
            for (var letter = -1; letter != '\n';)
                if ((letter = file.ReadByte()) < 0)
                    throw new FormatException("Expected CSV with a line of names, found none.");
        _isBegun = true;
        file.CopyTo(output);
    }

    // All have brackets around, which stay once; between images there are commas.
    private void AddJson(Stream file)
    {
        if (file.Length == _jsonNone.Length)
            return;
        var left = file.Length - JsonStart.Length - _jsonEnd.Length;
        if (left <= 0)
            throw new FormatException("Expected a JSON array of predictions, found something else.");
        file.ReadExactly(new byte[JsonStart.Length]);
        output.Write(_isBegun ? JsonBetween : JsonStart);
        _isBegun = true;
        var room = new byte[Math.Min(left, 1 << 16)];
        for (; left > 0; left -= room.Length)
        {
            room = left < room.Length ? new byte[left] : room;
            file.ReadExactly(room);
            output.Write(room);
        }
    }
}
