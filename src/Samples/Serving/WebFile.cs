using System.IO.Hashing;
using Microsoft.AspNetCore.Http;

namespace Samples.Serving;

/// <summary>A file of the page, which is part of the program.</summary>
internal sealed class WebFile
{
    private readonly byte[] _content;
    private readonly string _type, _tag;

    /// <param name="resource">Its name among the program's resources.</param>
    /// <param name="type">Its media type.</param>
    public WebFile(string resource, string type)
    {
        using var stream = typeof(WebFile).Assembly.GetManifestResourceStream(resource)!;
        _content = new byte[stream.Length];
        stream.ReadExactly(_content);
        (_type, _tag) = (type, $"\"{Convert.ToHexString(XxHash128.Hash(_content))}\"");
    }

    /// <summary>Sends it, unless the browser has it.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers.ETag = _tag;
        context.Response.Headers.CacheControl = "no-cache"; // ask each time: the next version of the program has another page
        if (context.Request.Headers.IfNoneMatch != _tag)
            return Replies.WriteAsync(context, _type, _content);
        context.Response.StatusCode = StatusCodes.Status304NotModified;
        return Task.CompletedTask;
    }
}
