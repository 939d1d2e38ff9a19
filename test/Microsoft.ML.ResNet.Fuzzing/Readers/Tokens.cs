using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>The words of the formats.</summary>
internal static class Tokens
{
    /// <summary>What JSON is made of, and what its readers stumble over.</summary>
    public static IReadOnlyList<byte[]> Json { get; } =
        Text("{", "}", "[", "]", ",", ":", "\"", "{}", "[]", "[[", "null", "true", "false", "0", "-1", "1e999", "-0.0", "1e-400", "1.5",
            "9223372036854775808", "\"NaN\"", "\"Infinity\"", "\"\"", "\\u0000", "\\ud800", "\\", " ", "\n", "/*", "//",
                "[[[[[[[[[[[[[[[[[[[[",
            "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":", "\uFEFF", "é");

    public static IReadOnlyList<byte[]> Safetensors { get; } =
        [.. Json, .. Text("\"dtype\":", "\"shape\":", "\"data_offsets\":", "\"__metadata__\":", "BOOL", "U8", "I8", "I16", "I32", "I64",
            "F16", "BF16", "F32", "F64", "F8_E4M3", "[0,0]", "[0,4]", "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}")];

    public static IReadOnlyList<byte[]> Description { get; } =
        [.. Json, .. Text("Planar", "Interleaved", "Auto", "Rgb", "Bgr", "\"black\":", "\"full\":", "Cifar", "ImageNet", "Bottleneck",
            "Basic",
            "Projection", "Padding", "BareProjection", "\"naming\":\"DiveIntoDeepLearning\"", "\"blocks\":20000", "\"stride\":16384",
            "\"width\":1048576", "String", "Boolean", "DateTime", "DateTimeOffset", "TimeSpan", "Single", "Double", "SByte", "Int16",
                "Int32",
            "Int64", "Byte", "UInt16", "UInt32", "UInt64", "\"2026-01-01T00:00:00\"", "\"1.02:03:04\"", "\"history\":", "\"epochs\":",
            "\"keptEpoch\":", "\"numberOfEpochs\":", "\"flipsAtTestTime\":true,", "\"sha256\":\"00\"", "PredictedLabel")];

    /// <summary>Instructions of pickles, and the globals and keys that mean something in files with weights.</summary>
    public static IReadOnlyList<byte[]> Pickle { get; } =
        [.. ("(.0123FGIJKLMNPQRSTUVX]abcdeghijlopqrstu}"
            + "\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98")
            .Select(opcode => new[] { (byte)opcode }),
        .. Text("ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_parameter\n",
            "ctorch._tensor\n_rebuild_from_type_v2\n", "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n", "ctorch\nLongStorage\n", ")R",
                "tR",
            "tQ", "N}b", "_modules", "_parameters", "_buffers", "c__torch__.a\nB\n)\x81", "state_dict", "model", "model_ema", "optimizer",
            "storage", "module", "cpu", "}(", "](", "))\u0081", "q\0", "h\0", "r\0\0\0\0"),
        .. Numbers(4, 8)];

    /// <summary>How networks name their parts.</summary>
    public static IReadOnlyList<byte[]> StateNames { get; } =
        Text("conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer2.0.downsample.0.weight", "layer1.0.shortcut.0.weight",
            "fc.weight", "fc.bias", "fc.1.weight", "linear.weight", "module.", "model.", "net.", "backbone.", "encoder.", "resnet.", "ema.",
            "n_averaged", "net.last.2.weight", "net.0.", "net.b2.", "resnet_block1.0.conv1.weight", "1.0.conv1.weight", "4.0.conv1.weight",
            "embedder.embedder.convolution.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight", "state_dict/", "_orig_mod.",
                ".",
            "/", "\n", "num_batches_tracked");

    /// <summary>Signatures and lengths in zip archives.</summary>
    public static IReadOnlyList<byte[]> Zip { get; } =
        [[0x50, 0x4B, 1, 2], [0x50, 0x4B, 3, 4], [0x50, 0x4B, 5, 6], [0x50, 0x4B, 6, 6], [0x50, 0x4B, 6, 7], [0x50, 0x4B, 7, 8],
            [1, 0, 24, 0],
            [1, 0, 8, 0], [0x75, 0x70, 9, 0, 1], [8, 0], [9, 0], [1, 0], [0xFF, 0xFF, 0xFF, 0xFF], .. Numbers(2, 4),
            .. Text("/", "../", "./", "\\", "a/", "b/1.png", ".git/", "__MACOSX/", "\uFFFD", "é", "e\u0301", "\xB4\xF3", "data.pkl",
                "byteorder",
                "big", "data/0", "model.json", "weights.safetensors")];

    /// <summary>Markers and chunk names of image formats.</summary>
    public static IReadOnlyList<byte[]> Images { get; } =
        [[0xFF, 0xD8], [0xFF, 0xD9], [0xFF, 0xC0], [0xFF, 0xC2], [0xFF, 0xC4], [0xFF, 0xDA], [0xFF, 0xDB], [0xFF, 0xDD], [0xFF, 0xD0],
            [0xFF, 0xE1], [0xFF, 0xEE], [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10], [0x21, 0xF9, 4], [0x21, 0xFF], [0x2C, 0, 0, 0, 0], [0x3B],
            [0, 1], [0, 2], [40, 0, 0, 0], [12, 0, 0, 0], [124, 0, 0, 0], .. Numbers(2, 4),
            .. Text("IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "iCCP", "sRGB", "acTL", "fcTL", "fdAT", "eXIf", "RIFF", "WEBP", "VP8 ",
                "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "GIF87a", "GIF89a", "BM", "JFIF", "Exif\0\0", "ICC_PROFILE", "Adobe", "II*\0",
                    "MM\0*")];

    /// <summary>Operations and settings of ONNX, and tags of protobuf's fields.</summary>
    public static IReadOnlyList<byte[]> Onnx { get; } =
        [.. Text("Conv", "BatchNormalization", "Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Add", "Sub", "Flatten",
            "Reshape", "Gemm", "MatMul", "Softmax", "Identity", "Dropout", "Constant", "Shape", "kernel_shape", "strides", "pads",
                "dilations",
            "group", "epsilon", "spatial", "auto_pad", "SAME_UPPER", "VALID", "ceil_mode", "axes", "transB", "alpha", "value", "ai.onnx"),
        [8, 7], [10, 0], [0x12, 0], [0x1A, 0], [0x22, 0], [0x2A, 0], [0x3A, 0], [0x42, 2, 1, 1], [0x4A, 0], [0x5A, 0], [0x62, 0], [0x70, 1],
        [0x18, 3], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0xFF, 0xFF, 0xFF, 0xFF, 7], [0x80, 0x80, 0x80, 0x80, 8]];

    public static IReadOnlyList<byte[]> Tar { get; } =
        [.. Text("ustar\0" + "00", "ustar  ", "data_batch_1.bin", "data_batch_2.bin", "test_batch.bin", "train.bin", "batches.meta.txt",
            "fine_label_names.txt", "coarse_label_names.txt", "30 mtime=1700000000.1234567890\n", "17 path=train.bin\n",
                "20 size=99999999999\n",
            "cat\ndog\n", "\r\n", "0000644\0", "77777777777", "00000000000", "x", "g", "L", "K", "0", "1", "2", "5", "S"),
        new byte[512], [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255], .. Numbers(4, 8)];

    private static byte[][] Text(params string[] words) => [.. words.Select(Encoding.UTF8.GetBytes)];

    private static IEnumerable<byte[]> Numbers(params int[] widths)
    {
        foreach (var width in widths)
            foreach (var number in (long[])[0, 1, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, int.MaxValue, uint.MaxValue, long.MaxValue, -1, -16])
            {
                var bytes = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
                yield return bytes[..width];
            }
    }
}
