using Spectre.Console;

namespace Samples.Output;

/// <summary>Shows work of several stages: a bar for each, on a terminal; nothing where the output is redirected.</summary>
internal static class StageBars
{
    private const int WidthOfText = 36; // "comparing features, 10,000 of 10,000"

    /// <summary>Shows what work reports while it runs.</summary>
    /// <param name="display">Where.</param>
    /// <param name="work">Does it; its argument takes what is being done, how much of it is done and how much there is.</param>
    public static T During<T>(Display display, Func<Action<string, int, int>, T> work)
    {
        if (!display.IsLive)
            return work((_, _, _) => { });
        return display.Progress(WidthOfText, () => null).Start(bars =>
        {
            var stages = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
            return work((stage, done, all) =>
            {
                lock (stages) // threads of one stage report at once, and not in order
                {
                    if (!stages.TryGetValue(stage, out var bar))
                        stages.Add(stage, bar = bars.AddTask(stage, maxValue: all));
                    if (done < bar.Value)
                        return;
                    bar.Value = done;
                    bar.Description = $"{stage}, {done:n0} of {all:n0}";
                }
            });
        });
    }
}
