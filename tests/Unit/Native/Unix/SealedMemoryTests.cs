using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Ambient.Tests.Unit.Native.Unix;

public sealed class SealedMemoryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3_000_000)]
    public void What_is_sealed_is_what_is_read(int bytes)
    {
        var content = new byte[bytes];
        new Random(1).NextBytes(content);
        using var memory = SealedMemory.Create("test", content);

        Assert.True(SealedMemory.TryRead(memory, bytes, out byte[] read, out string reason), reason);
        Assert.Equal(content, read);
    }

    [Fact]
    public void Memory_above_the_cap_is_refused_and_memory_at_the_cap_is_not()
    {
        using var memory = SealedMemory.Create("test", new byte[100]);
        Assert.True(SealedMemory.TryMeasure(memory, 100, out long bytes, out _));
        Assert.Equal(100, bytes);
        Assert.False(SealedMemory.TryRead(memory, 99, out _, out string reason));
        Assert.Contains("100 bytes", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_sealed_memory_is_refused()
    {
        string path = Path.GetTempFileName();
        try
        {
            using var file = File.OpenHandle(path);
            using var descriptor = Descriptor.Adopt((int)file.DangerousGetHandle());
            Assert.False(SealedMemory.TryRead(descriptor, 100, out _, out string reason));
            Assert.NotEmpty(reason);
            _ = descriptor.Detach();
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Sealed_memory_cannot_be_written_grown_or_shrunk()
    {
        using var memory = SealedMemory.Create("test", [1, 2, 3]);
        using var file = new SafeFileHandle(memory.Number, ownsHandle: false);
        Assert.ThrowsAny<Exception>(() => RandomAccess.Write(file, [9], 0));
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, 10));
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, 0));
        Assert.True(SealedMemory.TryRead(memory, 10, out byte[] content, out _));
        Assert.Equal([1, 2, 3], content);
    }
}
