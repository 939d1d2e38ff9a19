using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Samples.Serving;

/// <summary>How answers are written.</summary>
internal static class Replies
{
    /// <summary>Writes JSON.</summary>
    public static Task WriteAsync<T>(HttpContext context, T reply, JsonTypeInfo<T> type)
    {
        context.Response.Headers.CacheControl = "no-store";
        return WriteAsync(context, "application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(reply, type));
    }

    /// <summary>Writes problem details.</summary>
    public static Task WriteProblemAsync(HttpContext context, int status, string detail)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return WriteAsync(context, "application/problem+json", JsonSerializer.SerializeToUtf8Bytes(
            new("about:blank", ReasonPhrases.GetReasonPhrase(status), status, detail), ServingJson.Default.ProblemReply));
    }

    /// <summary>Writes a text.</summary>
    public static Task WriteAsync(HttpContext context, string type, byte[] content)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }
}
