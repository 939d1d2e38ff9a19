using System.CommandLine;
using System.Globalization;
using Samples.CommandLine;
using Samples.Verbs;

// resnet                      shows everything once, on images that it draws itself
// resnet check                tells whether images are fit to learn from
// resnet train                trains a network on images and saves it
// resnet study                trains a grid of networks and compares them
// resnet find-learning-rate   draws loss against rate, and suggests one
// resnet evaluate             measures a saved network on images
// resnet report               shows how good a saved network is, as a page
// resnet show                 shows images of a data set with their labels
// resnet predict              tells what is on image files
// resnet merge                puts together what processes have found, each in its part of the images
// resnet import               makes a model of weights that PyTorch has trained
// resnet export               writes a saved network for other programs
// resnet summary              lists the layers of a network
// resnet serve                serves a page to try a network, and predictions for programs

// Numbers are read and printed the same way on every machine. (InvariantGlobalization would do that too, but then .NET composes no letters:
// a class folder named on macOS, é as e and an accent, would be another class than the same name from elsewhere.)
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;

var root = new RootCommand("Residual networks for ML.NET: without a verb, trains on drawn shapes, evaluates, saves, loads and predicts.")
{
    Check.Command(),
    Train.Command(),
    Study.Command(),
    FindLearningRate.Command(),
    Evaluate.Command(),
    Report.Command(),
    Show.Command(),
    Predict.Command(),
    Merge.Command(),
    Import.Command(),
    Export.Command(),
    Summary.Command(),
    Serve.Command(),
};
MainJob.Describe(root);
return await Runner.RunAsync(root, args);
