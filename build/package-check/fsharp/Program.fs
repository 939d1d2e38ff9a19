open System
open Microsoft.ML
open Microsoft.ML.Data
open Microsoft.ML.ResNet

let mlContext = MLContext(seed = Nullable 1)
let images = mlContext.Data.LoadFromImageFolder("pictures", ImageFolderOptions(Height = 32, Width = 32))
let options =
    ResNetTrainer.Options(
        Architecture = ResNetArchitecture.Cifar(8).With(stemWidth = 32),
        Recipe = TrainingRecipe.Fast.With(numberOfEpochs = 4, augmentation = AugmentationPolicy.None),
        ValidationSetFraction = Nullable 0.25)
let pipeline =
    EstimatorChain()
        .Append(mlContext.Transforms.Conversion.MapValueToKey("Label"))
        .Append(mlContext.MulticlassClassification.Trainers.ResNet(options))
        .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"))
let model = pipeline.Fit images
let metrics = mlContext.MulticlassClassification.Evaluate(model.Transform images)
mlContext.Model.Save(model, images.Schema, "fsharp.zip")

let prediction =
    using (mlContext.Model.LoadImageClassifier "fsharp.zip") (fun classifier -> classifier.Predict "pictures/dark/0.png")
printfn $"accuracy {metrics.MicroAccuracy:f2}, pictures/dark/0.png: {prediction.Top[0].Name}"
