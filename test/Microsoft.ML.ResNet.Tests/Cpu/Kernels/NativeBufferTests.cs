using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

[TestClass]
public unsafe class NativeBufferTests
{
    [TestMethod]
    public void A_buffer_is_aligned_zero_on_request_and_freed_once()
    {
        var allocator = new CountingAllocator();
        using var scope = new AllocatorScope(allocator);
        var buffer = new NativeBuffer(1000, zeroed: true);

        Assert.AreEqual(0, (nint)buffer.Pointer % 64);
        Assert.AreEqual(-1, new Span<float>(buffer.Pointer, 1000).IndexOfAnyExcept(0f));
        Assert.AreEqual(1, allocator.Live);

        buffer.EnsureLength(10);
        Assert.AreEqual(1000, buffer.Length);
        buffer.EnsureLength(2000);
        Assert.AreEqual(2000, buffer.Length);
        Assert.AreEqual(1, allocator.Live);

        buffer.Dispose();
        buffer.Dispose();
        Assert.AreEqual(0, allocator.Live);
        Assert.IsTrue(buffer.Pointer is null);
    }

    [TestMethod]
    public void Memory_that_runs_out_leaves_an_empty_buffer_that_can_be_used_again()
    {
        using var scope = new AllocatorScope(new CountingAllocator(failAt: 2));
        using var buffer = new NativeBuffer(10);

        Assert.Throws<OutOfMemoryException>(() => buffer.EnsureLength(20));
        Assert.AreEqual(0, buffer.Length);

        buffer.EnsureLength(20);
        Assert.AreEqual(20, buffer.Length);
    }

    [TestMethod]
    public void More_than_there_is_address_space_is_refused()
    {
        Assert.Throws<OutOfMemoryException>(() => new NativeBuffer(long.MaxValue / 64));
        Assert.ThrowsExactly<OverflowException>(() => new NativeBuffer(long.MaxValue));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new NativeBuffer(-1));
    }
}
