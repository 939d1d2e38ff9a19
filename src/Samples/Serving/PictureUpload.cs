using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Samples.Serving;

/// <summary>
/// The picture of a request, in memory alone: the field <c>file</c> of a form, or the whole body. No name in a request becomes a path, and
/// nothing of it reaches the disk, as ASP.NET's own reader of forms would have it.
/// </summary>
internal sealed class PictureUpload : IDisposable
{
    private const string Field = "file";
    private const int FirstRoom = 64 << 10;

    private readonly MemoryBudget _memory;
    private byte[] _buffer = [];
    private int _length;

    private PictureUpload(MemoryBudget memory) => _memory = memory;

    /// <summary>The encoded picture.</summary>
    public ReadOnlyMemory<byte> Content => _buffer.AsMemory(0, _length);

    /// <summary>Reads it.</summary>
    /// <param name="request">The request; its body is read to the end.</param>
    /// <param name="limits">How large a picture may be.</param>
    /// <param name="memory">What the pictures of all requests may take.</param>
    /// <param name="cancellation">The request's end.</param>
    /// <exception cref="RequestProblem">There is no picture, more than one, or too large a one; or there is no memory left.</exception>
    public static async Task<PictureUpload> ReadAsync(HttpRequest request, ServingLimits limits, MemoryBudget memory,
        CancellationToken cancellation)
    {
        var upload = new PictureUpload(memory);
        try
        {
            if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
                && type.MediaType.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase))
                await upload.ReadFormAsync(request.Body, HeaderUtilities.RemoveQuotes(type.Boundary).ToString(), limits, cancellation);
            else
                await upload.AppendAsync(request.Body, limits, cancellation);
            return upload;
        }
        catch
        {
            upload.Dispose();
            throw;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        GiveBack(_buffer);
        _buffer = [];
    }

    private async Task ReadFormAsync(Stream body, string boundary, ServingLimits limits, CancellationToken cancellation)
    {
        if (boundary.Length is 0 or > 70) // RFC 2046
            throw new RequestProblem(StatusCodes.Status400BadRequest, "Expected a form with a boundary of 1 to 70 characters.");
        var found = false;
        try
        {
            var form = new MultipartReader(boundary, body);
            while (await form.ReadNextSectionAsync(cancellation) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
                    || HeaderUtilities.RemoveQuotes(disposition.Name) != Field)
                    continue;
                if (found)
                    throw new RequestProblem(StatusCodes.Status400BadRequest,
                        $"Expected one field '{Field}', found more. Send one picture with each request.");
                found = true;
                await AppendAsync(section.Body, limits, cancellation);
            }
        }
        catch (Exception e) when (e is (IOException or InvalidDataException) and not BadHttpRequestException)
        {
            throw new RequestProblem(StatusCodes.Status400BadRequest,
                "Expected a whole form, as RFC 7578 writes one, found something else or one that ends too early.");
        }
        if (!found)
            throw new RequestProblem(StatusCodes.Status400BadRequest, $"Expected a form with a field '{Field}', found none.");
    }

    private async Task AppendAsync(Stream stream, ServingLimits limits, CancellationToken cancellation)
    {
        if (_buffer.Length == 0)
            Grow(FirstRoom);
        while (await stream.ReadAsync(_buffer.AsMemory(_length), cancellation) is > 0 and var more)
        {
            _length += more;
            if (_length > limits.PictureBytes)
                throw new RequestProblem(StatusCodes.Status413PayloadTooLarge,
                    $"Expected a picture of at most {limits.PictureBytes} bytes, found more. {limits.OfBytes}");
            if (_length == _buffer.Length)
                Grow(2 * _buffer.Length);
        }
    }

    // The length is a power of two, so that the pool has arrays of just that.
    private void Grow(int length)
    {
        _memory.Take(length);
        var larger = ArrayPool<byte>.Shared.Rent(length);
        _buffer.CopyTo(larger, 0);
        GiveBack(_buffer);
        _buffer = larger;
    }

    private void GiveBack(byte[] buffer)
    {
        if (buffer.Length == 0)
            return;
        ArrayPool<byte>.Shared.Return(buffer);
        _memory.Return(buffer.Length);
    }
}
