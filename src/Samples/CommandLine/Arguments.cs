using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.ML.ResNet;

namespace Samples.CommandLine;

/// <summary>Reads option values that are more than a word or a number. What cannot be read is wrong usage.</summary>
internal static class Arguments
{
    /// <summary>The recipes that <c>--recipe</c> knows.</summary>
    public static IReadOnlyDictionary<string, TrainingRecipe> Recipes { get; } =
        new SortedDictionary<string, TrainingRecipe>(StringComparer.Ordinal)
    {
        ["fast"] = TrainingRecipe.Fast,
        ["finetune"] = TrainingRecipe.FineTune,
        ["tutorial"] = TrainingRecipe.Tutorial,
    };

    /// <summary>One of <see cref="Recipes"/>.</summary>
    public static TrainingRecipe? Recipe(ArgumentResult argument)
    {
        if (Recipes.TryGetValue(argument.Tokens[0].Value, out var recipe))
            return recipe;
        argument.AddError($"'{argument.Tokens[0].Value}' is no recipe. Expected {string.Join(" or ", Recipes.Keys)}.");
        return null;
    }

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
            argument.AddError(ExpectedErrors.OneLine(exception));
            return null;
        }
    }

    /// <summary>Channels x height x width, such as <c>3x32x32</c>.</summary>
    public static ImageShape? Shape(ArgumentResult argument)
    {
        if (WholeNumbers(argument.Tokens[0].Value, 'x') is [var channels, var height, var width])
            return new ImageShape(channels, height, width);
        argument.AddError($"'{argument.Tokens[0].Value}' is no image shape. Expected CHANNELSxHEIGHTxWIDTH, such as 3x32x32.");
        return null;
    }

    /// <summary>Epochs with commas between them, such as <c>3,4</c>.</summary>
    public static int[] Epochs(ArgumentResult argument)
    {
        if (WholeNumbers(argument.Tokens[0].Value, ',') is { } epochs)
            return epochs;
        argument.AddError(
            $"'{argument.Tokens[0].Value}' is no list of epochs. Expected whole numbers with commas between them, such as 3,4.");
        return [];
    }

    /// <summary>Numbers with commas between them, such as <c>0.485,0.456,0.406</c>.</summary>
    public static float[]? Numbers(ArgumentResult argument)
    {
        var numbers = new List<float>();
        foreach (var part in argument.Tokens[0].Value.Split(','))
        {
            if (!float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                argument.AddError(
                    $"'{argument.Tokens[0].Value}' is no list of numbers. Expected numbers with commas between them, such as "
                    + "0.485,0.456,0.406.");
                return null;
            }
            numbers.Add(number);
        }
        return [.. numbers];
    }

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
