using Microsoft.ML.Data;
using Microsoft.ML.Model;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>
/// The older way of saving data pipes, which ML.NET still keeps for its command line and which uses the other two loader attributes.
/// </summary>
[TestClass]
public class LegacyModelTests
{
    [TestMethod]
    public void A_pipe_of_the_row_mapper_saves_and_loads()
    {
        var ml = new MLContext(seed: 1);
        var env = (IHostEnvironment)ml;
        var data = ml.Data.LoadFromEnumerable(ImageRows.Create(7));
        using var model = ImageRows.Trainer(ml, change: options => options.LabelColumnName = nameof(ImageRow.Key)).Fit(data);
        var mapped = ((RowToRowTransformerBase)model).Transform(data);
        using var file = new MemoryStream();
        using (var channel = env.Start("save"))
            TrainUtils.SaveModel(env, channel, file, predictor: null, new RoleMappedData(mapped));
        file.Position = 0;

        var loaded = ModelFileUtils.LoadTransforms(env, data, file);

        SchemaComparison.AssertSame(mapped.Schema, loaded.Schema, "loaded pipe");
        ViewComparison.AssertSameRows(mapped, loaded, "loaded pipe");
    }
}
