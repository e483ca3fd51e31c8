using Ambient.Redirector.Namespaces;

namespace Ambient.Tests.Unit.Redirector;

public sealed class CgroupNameTests
{
    private const string Uid = "6f1a2b3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c", Underscored = "6f1a2b3c_0d4e_4f5a_8b6c_7d8e9f0a1b2c";

    [Theory]
    [InlineData("0::/kubepods/burstable/pod" + Uid + "/9c1e")]
    [InlineData("0::/kubepods/pod" + Uid)]
    [InlineData("4:memory:/kubepods/besteffort/pod" + Uid + "/abc")]
    [InlineData("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + Underscored + ".slice/cri-containerd-abc.scope")]
    [InlineData("0::/kubepods.slice/kubepods-pod" + Underscored + ".slice/crio-abc.scope")]
    [InlineData("12:cpu,cpuacct:/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + Underscored + ".slice/docker-1.scope")]
    [InlineData("0::/../../kubepods.slice/kubepods-pod" + Underscored + ".slice/x.scope")]
    [InlineData("1:name=systemd:/kubelet/kubepods/pod" + Uid + "/x")]
    [InlineData("0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" + Underscored + ".slice/cri-containerd-1.scope")]
    [InlineData("0::/../../kubelet-kubepods-pod" + Underscored + ".slice/crio-conmon-1.scope")]
    [InlineData("0::/kubepods.slice/kubepods-poda0000000_0000_0000_0000_000000000000.slice/cri-containerd-1.scope/kubelet.slice/kubelet-kubepods-pod" + Underscored + ".slice/x.scope/init")]
    public void A_pods_cgroup_is_recognised_in_every_form(string line) => Assert.True(CgroupName.IsOf(line, Uid));

    // Named by a digest of its file, which has no dashes.
    [Theory]
    [InlineData("0::/kubepods/burstable/pod6f1a2b3c0d4e4f5a8b6c7d8e9f0a1b2c/x")]
    [InlineData("0::/kubepods.slice/kubepods-burstable-pod6f1a2b3c0d4e4f5a8b6c7d8e9f0a1b2c.slice/cri-containerd-1.scope")]
    public void A_static_pods_cgroup_is_recognised(string line)
    {
        Assert.True(CgroupName.IsOf(line, "6f1a2b3c0d4e4f5a8b6c7d8e9f0a1b2c"));
        Assert.False(CgroupName.IsOf(line, Uid));
    }

    [Theory]
    [InlineData("0::/kubepods/burstable/pod6f1a2b3c-0d4e-4f5a-8b6c-7d8e9f0a1b2d/x")]
    [InlineData("0::/kubepods/podx" + Uid + "/x")]
    [InlineData("0::/kubepods/notpod" + Uid + "/x")]
    [InlineData("0::/kubepods/pod" + Uid + "0/x")]
    [InlineData("0::/kubepods/" + Uid + "/x")]
    [InlineData("0::/user.slice/a-pod.slice")]
    [InlineData("0::/")]
    [InlineData("")]
    [InlineData("pod")]
    public void Anything_else_is_not_that_pod(string line) => Assert.False(CgroupName.IsOf(line, Uid));
}
