using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microsoft.ML.ResNet.Tests")]
[assembly: InternalsVisibleTo("Microsoft.ML.ResNet.Reports")]
[assembly: InternalsVisibleTo("bench")]
[assembly: InternalsVisibleTo("fuzz")]
