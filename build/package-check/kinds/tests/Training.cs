using Microsoft.VisualStudio.TestTools.UnitTesting;

[TestClass]
public class Training
{
    [TestMethod]
    public void It_trains() => StringAssert.StartsWith(Tiny.Train(), "trained ");
}
