using System.CommandLine;
using Samples.CommandLine;
using Samples.Verbs;

// resnet            shows everything once, on images that it draws itself
// resnet train      trains a network on images and saves it
// resnet evaluate   measures a saved network on images
// resnet predict    tells what is on image files
// resnet import     makes a model of weights that PyTorch has trained
// resnet export     writes a saved network for other programs
// resnet summary    lists the layers of a network
var root = new RootCommand("Residual networks for ML.NET: without a verb, trains on drawn shapes, evaluates, saves, loads and predicts.")
{
    Train.Command(),
    Evaluate.Command(),
    Predict.Command(),
    Import.Command(),
    Export.Command(),
    Summary.Command(),
};
MainJob.Describe(root);
return await Runner.RunAsync(root, args);
