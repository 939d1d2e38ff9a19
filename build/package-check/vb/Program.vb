Imports System
Imports Microsoft.ML
Imports Microsoft.ML.ResNet

Module Program
    Sub Main()
        Dim mlContext = New MLContext(seed:=1)
        Dim images = mlContext.Data.LoadFromImageFolder("pictures", New ImageFolderOptions With {.Height = 32, .Width = 32})
        Dim options = New ResNetTrainer.Options With {
            .Architecture = ResNetArchitecture.Cifar(8).With(stemWidth:=32),
            .Recipe = TrainingRecipe.Fast.With(numberOfEpochs:=4, augmentation:=AugmentationPolicy.None),
            .ValidationSetFraction = 0.25}
        Dim pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label").
            Append(mlContext.MulticlassClassification.Trainers.ResNet(options)).
            Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"))
        Dim model = pipeline.Fit(images)
        Dim metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(images))
        mlContext.Model.Save(model, images.Schema, "vb.zip")

        Using classifier = mlContext.Model.LoadImageClassifier("vb.zip")
            Dim prediction = classifier.Predict("pictures/dark/0.png")
            Console.WriteLine($"accuracy {metrics.MicroAccuracy:f2}, pictures/dark/0.png: {prediction.Top(0).Name}")
        End Using
    End Sub
End Module
