using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microsoft.ML.ResNet.Tests")]
