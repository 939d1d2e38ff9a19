using System.Globalization;
using Microsoft.ML.ResNet;

// classify MODEL IMAGE...: a line for each image, as 'resnet predict --format csv' writes it; the classes of all images are told. With
// CLASSIFY_TIMES=1, the times of what came when go to standard error, in milliseconds since 1970.
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: classify MODEL IMAGE...");
    return 2;
}
var times = Environment.GetEnvironmentVariable("CLASSIFY_TIMES") is not null;
Tell("main");
using var classifier = Open(args[0]);
if (classifier is null)
    return 1;
Tell("model");
var isFirst = true;
foreach (var path in args[1..])
{
    var prediction = classifier.Predict(path, new() { Top = classifier.Model.ClassNames.Count });
    if (isFirst)
        Tell("first prediction");
    isFirst = false;
    if (!prediction.IsReadable)
    {
        Console.Error.WriteLine($"{path}: {prediction.Problem}");
        return 1;
    }
    var answers = prediction.Top.Select(top => $"{top.Name},{top.Probability.ToString("R", CultureInfo.InvariantCulture)}");
    Console.WriteLine($"{path},{string.Join(',', answers)}");
}
return 0;

// Whatever is wrong with the content is one kind of exception; that there is no such file, or no right to read it, are .NET's own.
static ImageClassifier? Open(string path)
{
    try
    {
        return ImageClassifier.Load(path);
    }
    catch (Exception e) when (e is ModelFormatException or IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"{path}: {e.Message}");
        return null;
    }
}

void Tell(string what)
{
    if (times)
        Console.Error.WriteLine($"{what}\t{(DateTime.UtcNow - DateTime.UnixEpoch).TotalMilliseconds:f1}");
}
