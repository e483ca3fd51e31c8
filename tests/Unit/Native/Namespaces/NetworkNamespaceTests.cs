using Ambient.Native.Namespaces;

namespace Ambient.Tests.Unit.Native.Namespaces;

/// <summary>What needs no privilege. Entering is tested in tests/Mesh.</summary>
public sealed class NetworkNamespaceTests
{
    [Fact]
    public void A_network_namespace_is_opened_and_known_by_its_identity()
    {
        Assert.True(NetworkNamespace.TryOpen("/proc/self/ns/net", out var opened, out string reason), reason);
        using (opened)
        {
            Assert.True(NamespaceIdentity.TryOf("/proc/self/ns/net", out var identity));
            Assert.Equal(identity, opened!.Identity);
            Assert.Contains(identity.Inode.ToString(System.Globalization.CultureInfo.InvariantCulture), new FileInfo("/proc/self/ns/net").LinkTarget, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/proc/self/ns/mnt")]
    [InlineData("/dev/null")]
    [InlineData("/")]
    [InlineData("/no/such/path")]
    public void Anything_else_is_refused_with_a_reason(string path)
    {
        Assert.False(NetworkNamespace.TryOpen(path, out _, out string reason));
        Assert.Contains(path, reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("link")]
    [InlineData("link/file")]
    [InlineData("folder/../../x")]
    [InlineData("")]
    public void Nothing_outside_the_directory_and_nothing_behind_a_link_is_opened(string relative)
    {
        string folder = Directory.CreateTempSubdirectory("netns").FullName;
        File.CreateSymbolicLink(Path.Combine(folder, "link"), "/proc/self/ns/net");
        Directory.CreateDirectory(Path.Combine(folder, "folder"));
        Assert.False(NetworkNamespace.TryOpenBeneath(folder, relative, out _, out string reason));
        Assert.NotEmpty(reason);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void An_entry_belongs_to_the_thread_that_made_it()
    {
        using var entry = new NamespaceEntry();
        Assert.True(NetworkNamespace.TryOpen("/proc/self/ns/net", out var here, out _));
        using (here)
        {
            Exception? failure = null;
            var thread = new Thread(() => failure = Record.Exception(() => entry.Run(here!, () => true)));
            thread.Start();
            thread.Join();
            Assert.IsType<InvalidOperationException>(failure);
        }
    }
}
