using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Network;

/// <summary>Receives the values of classes, whatever their type.</summary>
internal interface IClassValueSink
{
    /// <summary>Receives them.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="values">One for each class; nobody writes to it.</param>
    void Take<T>(PrimitiveDataViewType type, T[] values);
}
