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

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstRoom);
    private int _length;

    private PictureUpload()
    {
    }

    /// <summary>The encoded picture.</summary>
    public ReadOnlyMemory<byte> Content => _buffer.AsMemory(0, _length);

    /// <summary>Reads it.</summary>
    /// <param name="request">The request; its body is read to the end.</param>
    /// <param name="most">The most bytes that a picture may have.</param>
    /// <param name="cancellation">The request's end.</param>
    /// <exception cref="RequestProblem">There is no picture, more than one, or too large a one.</exception>
    public static async Task<PictureUpload> ReadAsync(HttpRequest request, int most, CancellationToken cancellation)
    {
        var upload = new PictureUpload();
        try
        {
            if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
                && type.MediaType.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase))
                await upload.ReadFormAsync(request.Body, HeaderUtilities.RemoveQuotes(type.Boundary).ToString(), most, cancellation);
            else
                await upload.AppendAsync(request.Body, most, cancellation);
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
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private async Task ReadFormAsync(Stream body, string boundary, int most, CancellationToken cancellation)
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
                await AppendAsync(section.Body, most, cancellation);
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

    private async Task AppendAsync(Stream stream, int most, CancellationToken cancellation)
    {
        while (await stream.ReadAsync(_buffer.AsMemory(_length), cancellation) is > 0 and var more)
        {
            _length += more;
            if (_length > most)
                throw new RequestProblem(StatusCodes.Status413PayloadTooLarge, $"Expected a picture of at most {most} bytes, found more.");
            if (_length == _buffer.Length)
                Grow();
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
