using System.CommandLine;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

/// <summary>
/// <c>bench device</c>: what tests hold on the CPU, on whatever device there is. Each verb prints what it sees and ends with a line that
/// sums it up; it ends with 1 where something does not hold. <c>build/cuda-check.sh</c> runs them one by one.
/// </summary>
internal static class DeviceVerb
{
    /// <summary>The verb.</summary>
    /// <param name="device">On which device.</param>
    public static Command Verb(Option<ComputeDevice> device)
    {
        var tolerance = new Option<double>("--tolerance")
        {
            Description = "Relative error that logits and losses may have.",
            DefaultValueFactory = _ => DeviceGoldens.Tolerance,
        };
        var quick = new Option<bool>("--quick") { Description = "A few small networks only." };
        var goldens = new Command("goldens", "Networks and ten steps of training against PyTorch's numbers.") { device, tolerance, quick };
        goldens.SetAction(result
            => new DeviceGoldens(Resolve(result.GetValue(device)), result.GetValue(tolerance)).Check(result.GetValue(quick)) ? 0 : 1);

        var about = new Command("about", "Whether the device is there, and what the library sees of the machine.") { device };
        about.SetAction(result => About(result.GetValue(device)));

        var pixels = new Command("pixels", "Whether pixels lie on the device as a whole, and whether that changes what is learnt.") {
            device };
        pixels.SetAction(result => DevicePixels.Check(result.GetValue(device), Resolve(result.GetValue(device))) ? 0 : 1);

        var architecture = new Option<string>("--architecture") { DefaultValueFactory = _ => "imagenet-152" };
        var batchSize = new Option<int>("--batch-size") { DefaultValueFactory = _ => 2048 };
        var size = new Option<int>("--size") { DefaultValueFactory = _ => 224 };
        var memory = new Command("memory", "What a batch too large for the device's memory ends in, and whether the process goes on.") {
            device, architecture, batchSize, size };
        memory.SetAction(result => DeviceTrainings.RunOutOfMemory(result.GetValue(device),
            ResNetArchitecture.Parse(result.GetValue(architecture)!), result.GetValue(batchSize), result.GetValue(size)) ? 0 : 1);

        var folder = new Argument<string>("folder") { Description = "For checkpoints." };
        var epochs = new Option<int>("--epochs") { DefaultValueFactory = _ => 8 };
        var resume = new Option<bool>("--resume");
        var learn = new Command("learn", "A small training with a checkpoint after every step: to be killed, and resumed.")
        {
            folder, device, epochs, resume,
        };
        learn.SetAction(result => DeviceTrainings.Learn(result.GetValue(folder)!, result.GetValue(device), result.GetValue(epochs),
            result.GetValue(resume)));
        return new Command("device", "Checks on a device.") { about, goldens, pixels, memory, learn };
    }

    private static int About(ComputeDevice wanted)
    {
        ResNetRuntime.EnsureStarted();
        if (wanted == ComputeDevice.Cuda)
            InitializeDeviceType(TorchSharp.DeviceType.CUDA); // where that fails, its exception tells what was tried
        var device = Resolve(wanted);
        var vectors = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;
        Console.WriteLine(
            $"{device}; {(cuda.is_available() ? cuda.device_count() : 0)} CUDA devices; TorchSharp {LibTorchLibrary.TorchSharpVersion}; "
            + $"vectors of {vectors} bits, {get_num_threads()} threads");
        return 0;
    }

    private static Device Resolve(ComputeDevice wanted) => ComputeDevices.Resolve(wanted, gpuIndex: null, fallbackToCpu: false);
}
