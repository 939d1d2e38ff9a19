using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.ML.ResNet;

namespace Samples.CommandLine;

/// <summary>Reads option values that are more than a word or a number. What cannot be read is wrong usage.</summary>
internal static class Arguments
{
    /// <summary>The recipes that <c>--recipe</c> knows.</summary>
    public static (string Name, TrainingRecipe? Recipe)[] Recipes { get; } =
        [("fast", TrainingRecipe.Fast), ("finetune", TrainingRecipe.FineTune), ("tutorial", TrainingRecipe.Tutorial),
        ("probe", TrainingRecipe.LinearProbe)];

    /// <summary>The classes of <c>--classes</c>: a known list, or the lines of a file.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyList<string> ClassNames(string classes) => classes switch
    {
        "cifar10" => CifarClassNames.Cifar10,
        "cifar100" => CifarClassNames.Cifar100Fine,
        _ => [.. File.ReadLines(classes).Select(line => line.Trim()).Where(line => line.Length > 0)],
    };

    /// <summary>A name such as <c>cifar-20</c> or <c>imagenet-18-cifarstem</c>.</summary>
    public static ResNetArchitecture? Architecture(ArgumentResult argument)
    {
        try
        {
            return ResNetArchitecture.Parse(argument.Tokens[0].Value);
        }
        catch (ArgumentException exception)
        {
            argument.AddError($"{Given(argument)}: {ExpectedErrors.OneLine(exception)}");
            return null;
        }
    }

    /// <summary>Reads whole numbers from a least one on, up to a limit.</summary>
    public static Func<ArgumentResult, int?> WholeNumber(int least = int.MinValue, int most = int.MaxValue) => argument =>
    {
        var isNumber = int.TryParse(argument.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= least;
        if (isNumber && number <= most)
            return number;
        argument.AddError(isNumber
            ? $"{Given(argument)}; expected at most {most}."
            : $"{Given(argument)}; expected a whole number{(least > int.MinValue ? $", at least {least}" : "")}.");
        return null;
    };

    /// <summary>Reads numbers between two limits, such as <c>0.1</c>, without the two.</summary>
    public static Func<ArgumentResult, double?> NumberBelow(double limit, double above = 0)
        => Number(number => number > above && number < limit, $"above {Text(above)} and below {Text(limit)}");

    /// <summary>Reads numbers above 0, up to a limit.</summary>
    public static Func<ArgumentResult, double?> NumberUpTo(double limit)
        => Number(number => number > 0 && number <= limit, $"above 0 and up to {Text(limit)}");

    /// <summary>Reads one of some words, in capitals or small letters.</summary>
    /// <param name="words">The words, and what they mean.</param>
    public static Func<ArgumentResult, T> OneOf<T>(params (string Word, T Meaning)[] words) => argument =>
    {
        foreach (var (word, meaning) in words)
            if (word.Equals(argument.Tokens[0].Value, StringComparison.OrdinalIgnoreCase))
                return meaning;
        argument.AddError($"{Given(argument)}; expected {string.Join(" or ", words.Select(word => word.Word))}.");
        return default!;
    };

    /// <summary>A part of the images, such as <c>3/16</c>, counted from 0.</summary>
    public static ImageShard? Shard(ArgumentResult argument)
    {
        if (WholeNumbers(argument.Tokens[0].Value, '/') is [var index, > 0 and var count] && index < count)
            return new ImageShard(index, count);
        argument.AddError($"{Given(argument)}; expected I/N with I from 0 to N-1, such as 3/16, or 0/16 for the first.");
        return null;
    }

    /// <summary>Channels x height x width, such as <c>3x32x32</c>.</summary>
    public static ImageShape? Shape(ArgumentResult argument)
    {
        if (WholeNumbers(argument.Tokens[0].Value, 'x') is [> 0 and var channels, > 0 and var height, > 0 and var width])
            return new ImageShape(channels, height, width);
        argument.AddError($"{Given(argument)}; expected CHANNELSxHEIGHTxWIDTH, each at least 1, such as 3x32x32.");
        return null;
    }

    /// <summary>Epochs with commas between them, such as <c>3,4</c>.</summary>
    public static int[] Epochs(ArgumentResult argument)
    {
        if (WholeNumbers(argument.Tokens[0].Value, ',') is { } epochs)
            return epochs;
        argument.AddError($"{Given(argument)}; expected epochs with commas between them, such as 3,4.");
        return [];
    }

    /// <summary>Reads whole numbers from a least one on, with commas between them.</summary>
    /// <param name="least">The least that each may be.</param>
    /// <param name="example">What an error shows.</param>
    public static Func<ArgumentResult, int[]> WholeNumbers(int least, string example) => argument =>
    {
        if (WholeNumbers(argument.Tokens[0].Value, ',') is { } numbers && numbers.All(number => number >= least))
            return numbers;
        argument.AddError($"{Given(argument)}; expected whole numbers of at least {least} with commas between them, such as {example}.");
        return [];
    };

    /// <summary>Numbers with commas between them, such as <c>0.485,0.456,0.406</c>.</summary>
    public static float[]? Numbers(ArgumentResult argument)
    {
        var numbers = new List<float>();
        foreach (var part in argument.Tokens[0].Value.Split(','))
        {
            if (!float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                argument.AddError($"{Given(argument)}; expected numbers with commas between them, such as 0.485,0.456,0.406.");
                return null;
            }
            numbers.Add(number);
        }
        return [.. numbers];
    }

    private static Func<ArgumentResult, double?> Number(Func<double, bool> isRight, string expected) => argument =>
    {
        if (double.TryParse(argument.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && isRight(number))
            return number;
        argument.AddError($"{Given(argument)}; expected a number {expected}.");
        return null;
    };

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Given(ArgumentResult argument)
        => $"{(argument.Parent as OptionResult)?.Option.Name} is '{argument.Tokens[0].Value}'";

    private static int[]? WholeNumbers(string text, char separator)
    {
        var numbers = new List<int>();
        foreach (var part in text.Split(separator))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return null;
            numbers.Add(number);
        }
        return [.. numbers];
    }
}
