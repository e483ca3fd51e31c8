using System.Net;
using System.Text;
using Ambient.Cni;
using Ambient.Protocol.Cni;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Cni;

namespace Ambient.Tests.Unit.Cni;

/// <summary>What plugin and Redirector say to each other, and what the runtime says to the plugin.</summary>
public sealed class CniWireTests
{
    [Fact]
    public void A_request_is_read_as_it_was_written()
    {
        var request = new CniRequest(CniCommand.Add)
        {
            Container = "c1", Namespace = "shop", Pod = "web-1", Uid = "u", NetnsPath = "/run/netns/x", HoldSeconds = 9, Valid = ["a", "b"],
            Addresses = [IPAddress.Parse("10.0.0.7"), IPAddress.Parse("fd00::7")], Annotations = new Dictionary<string, string> { ["ambient.mesh/enroll"] = "fal se" },
        };

        Assert.True(CniRequest.TryRead(request.ToBytes(), out var read, out _));

        Assert.Equal((request.Command, request.Container, request.Namespace, request.Pod, request.Uid, request.NetnsPath, request.HoldSeconds),
            (read.Command, read.Container, read.Namespace, read.Pod, read.Uid, read.NetnsPath, read.HoldSeconds));
        Assert.Equal(request.Addresses, read.Addresses);
        Assert.Equal(request.Annotations, read.Annotations);
        Assert.Equal(request.Valid, read.Valid);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ambient-cni/2 ADD\n")]
    [InlineData("ambient-cni/1 RUN\n")]
    [InlineData("ambient-cni/1 ADD\naddress not-one\n")]
    [InlineData("ambient-cni/1 ADD\nhold 99999\n")]
    [InlineData("ambient-cni/1 ADD\npod a\tb\n")]
    public void What_is_no_request_is_refused_with_a_reason(string packet)
    {
        Assert.False(CniRequest.TryRead(Encoding.UTF8.GetBytes(packet), out _, out string? fault));
        Assert.NotEmpty(fault);
    }

    [Fact]
    public void No_packet_whatever_breaks_the_reader()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        byte[] good = new CniRequest(CniCommand.Add) { Container = "c", Addresses = [IPAddress.Loopback], Valid = ["x"] }.ToBytes();
        for (int i = 0; i < 20_000; i++)
        {
            byte[] packet = [.. good];
            for (int change = random.Next(1, 6); change > 0; change--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            bool isRead = CniRequest.TryRead(packet, out var read, out string? fault);
            Assert.True(isRead == (fault is null) && isRead == (read is not null), $"seed {seed}");
            if (isRead)
                Assert.True(new[] { read!.Container, read.Namespace, read.Pod, read.Uid, read.NetnsPath }.All(CniRequest.CanTell), $"seed {seed}");
        }
    }

    [Fact]
    public void An_answer_is_read_as_it_was_written_and_anything_else_is_none()
    {
        foreach (var answer in (CniAnswer[])[CniAnswer.Captured, CniAnswer.Passes("not enrolled"), CniAnswer.Fails("no address")])
            Assert.Equal(answer, CniAnswer.Read(answer.ToBytes()));
        Assert.Null(CniAnswer.Read("ambient-cni/1 maybe x\n"u8));
        Assert.Null(CniAnswer.Read("HTTP/1.1 200 OK"u8));
    }

    [Fact]
    public void The_list_of_enrolled_namespaces_is_read_as_it_was_written_and_a_broken_one_is_no_empty_one()
    {
        using var folder = new ListFolder();
        Assert.Null(folder.Read());
        var list = folder.Read(new EnrolledList(["shop", "a"], [new("u1", "bank", "web-1"), new("u2", "bank", "web-2")]).ToText())!;
        Assert.Equal((true, true, false, false), (list.HasNamespace("shop"), list.HasNamespace("a"), list.HasNamespace("bank"), list.HasNamespace("pod u1 bank/web-1")));
        Assert.True(list.HasPod("bank", "web-1", "u1"));
        Assert.True(list.HasPod("bank", "web-2", ""));            // of a runtime that does not tell the UID
        Assert.False(list.HasPod("bank", "web-1", "u3"));         // its successor of the same name, of which nobody has said anything
        Assert.False(list.HasPod("shop", "web-1", ""));

        var empty = folder.Read(new EnrolledList([], []).ToText())!;
        Assert.False(empty.HasNamespace("") || empty.HasNamespace("shop") || empty.HasPod("", "", ""));
        foreach (string broken in (string[])["", "shop\n", "ambient-enrolled-namespaces/2\n"])
            Assert.Contains(folder.Path, folder.FaultOf(broken), StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_is_read_across_releases_and_no_name_makes_another_line_of_it()
    {
        using var folder = new ListFolder();
        Assert.True(folder.Read("ambient-enrolled-namespaces/1\nshop\n")!.HasNamespace("shop"));          // of one that knew namespaces only
        var later = folder.Read("ambient-enrolled-namespaces/1\nshop\npod u1 bank/web-1 and=more\npod odd\n")!;
        Assert.True(later.HasPod("bank", "web-1", "u1"));
        string hostile = new EnrolledList(["shop"], [new("u\nkube", "a", "b"), new("u 2", "a", "b"), new("", "a", "c"), new("u3", "a/b", "c"), new("u4", "a", "b")]).ToText();
        Assert.Equal("ambient-enrolled-namespaces/1\nshop\npod u4 a/b\n", hostile);
    }

    [Fact]
    public void The_runtimes_words_are_read_from_the_environment()
    {
        var variables = new Dictionary<string, string>
        {
            ["CNI_COMMAND"] = "ADD", ["CNI_CONTAINERID"] = "4f.0_c-1", ["CNI_NETNS"] = "/run/netns/x", ["CNI_IFNAME"] = "eth0",
            ["CNI_ARGS"] = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_UID=u=1;;=x;novalue",
        };
        var read = CniEnvironment.Read(variables.GetValueOrDefault);
        Assert.Equal(("ADD", "4f.0_c-1", "shop", "web", "u=1"), (read.Command, read.Container, read.Namespace, read.Pod, read.Uid));
        foreach (var (name, value) in ((string, string)[])[("CNI_CONTAINERID", ""), ("CNI_CONTAINERID", "a/../b"), ("CNI_NETNS", ""), ("CNI_IFNAME", ""), ("CNI_COMMAND", "add")])
            Assert.Equal(CniException.InvalidEnvironment,
                Assert.Throws<CniException>(() => CniEnvironment.Read(asked => asked == name ? value : variables.GetValueOrDefault(asked))).Code);
    }

    [Theory]
    [InlineData("ambient.mesh/exclude-inbound-ports", "80, 0,65536,x,443", new uint[] { 80, 443 })]
    public void Annotations_exclude_what_they_name_and_nothing_that_is_none(string key, string value, uint[] ports)
    {
        var pod = new CapturedPod();
        StartingPod.Exclude(new CniRequest(CniCommand.Add)
        {
            Annotations = new Dictionary<string, string> { [key] = value, ["ambient.mesh/exclude-outbound-cidrs"] = "10.0.0.0/8,10.0.0.0/33,1.2.3.4,1.2.3.4/32,1.2.3.4/24,010.0.0.0/16,fd00::/8/8,y" },
        }, pod);
        Assert.Equal(ports, pod.ExcludeInboundPorts);
        Assert.Equal([8u, 32u], pod.ExcludeOutboundRanges.Select(r => r.PrefixLength));
    }

    [Theory]
    [InlineData("0b6d2f5e-3c0f-4b1e-9a53-0c6d1f6f2f11", false)]
    [InlineData("0b6d2f5e3c0f4b1e9a530c6d1f6f2f11", true)]
    [InlineData("0b6d2f5e3c0f4b1e9a530c6d1f6f2fzz", false)]
    public void A_static_pod_shows_by_its_UID(string uid, bool isStatic) => Assert.Equal(isStatic, StartingPod.IsStatic(uid));

    private sealed class ListFolder : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("enrolled").FullName;

        public string Path => System.IO.Path.Combine(_folder, EnrolledList.FileName);

        public EnrolledList? Read(string? text = null)
        {
            if (text is not null)
                File.WriteAllText(Path, text);
            Assert.True(EnrolledList.TryRead(Path, out var list, out string? fault), fault);
            return list;
        }

        public string FaultOf(string text)
        {
            File.WriteAllText(Path, text);
            Assert.False(EnrolledList.TryRead(Path, out _, out string? fault));
            return fault;
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
