namespace Samples.Serving;

/// <summary>Why a request has no answer: it becomes problem details (RFC 9457).</summary>
/// <param name="status">The status code.</param>
/// <param name="detail">Expected and found, as a sentence.</param>
internal sealed class RequestProblem(int status, string detail) : Exception(detail)
{
    /// <summary>The status code.</summary>
    public int Status => status;
}
