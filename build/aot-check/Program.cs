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
using var classifier = ImageClassifier.Load(args[0]);
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

void Tell(string what)
{
    if (times)
        Console.Error.WriteLine($"{what}\t{(DateTime.UtcNow - DateTime.UnixEpoch).TotalMilliseconds:f1}");
}
