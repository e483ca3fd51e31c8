using Ambient.Native.Processes;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

public sealed class NodeCapacityTests
{
    [Fact]
    public void One_greedy_pod_gets_four_fifths_and_what_it_leaves_is_for_others()
    {
        var capacity = Of(descriptors: 10_000);
        Assert.Equal(8_000, capacity.Limit);
        int held = TakeAll(capacity, loop: 0);
        Assert.InRange(held, 6_390, 6_410);
        Assert.Equal(Admission.PodAtShare, capacity.Ask(held));
        Assert.Equal(Admission.Open, capacity.Ask(0));
        Assert.Equal(Admission.Open, capacity.Ask(1_000));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(50)]
    public void Greedy_pods_get_the_same_share_however_they_take_turns_and_none_can_take_it_all(int pods)
    {
        var capacity = Of(descriptors: 100_000);
        var held = new int[pods];
        for (bool any = true; any;)
        {
            any = false;
            for (int pod = 0; pod < pods; pod++)
            {
                if (capacity.Ask(held[pod]) != Admission.Open) continue;
                held[pod]++;
                capacity.Add(pod % 2, 1);
                any = true;
            }
        }

        double share = 80_000 * 4.0 / ((4 * pods) + 1);
        Assert.All(held, count => Assert.InRange(count, share * 0.98, share * 1.02));
        Assert.Equal(Admission.Open, capacity.Ask(0));
    }

    [Fact]
    public void What_is_given_back_is_there_again()
    {
        var capacity = Of(descriptors: 1_000);
        int held = TakeAll(capacity, loop: 1);
        capacity.Add(1, -held);
        Assert.Equal(0, capacity.Held);
        Assert.Equal(Admission.Open, capacity.Ask(0));
    }

    [Fact]
    public void A_node_whose_connections_hold_it_all_takes_nobody_and_one_that_is_given_more_goes_on()
    {
        var capacity = Of(descriptors: 1_000);
        capacity.Add(0, 800);
        Assert.Equal(Admission.NodeFull, capacity.Ask(0));
        capacity.SetDescriptorLimit(10_000);
        Assert.Equal(Admission.Open, capacity.Ask(800));
    }

    [Theory]
    [InlineData(79, false)]
    [InlineData(80, true)]
    [InlineData(100, true)]
    public void At_four_fifths_of_the_memory_new_work_is_refused(int percent, bool isRefused)
    {
        var capacity = Of(descriptors: 1_000);
        capacity.SetMemory(percent << 20, 100 << 20);
        Assert.Equal(isRefused ? Admission.MemoryShort : Admission.Open, capacity.Ask(0));
        capacity.SetMemory(0, 100 << 20);
        Assert.Equal(Admission.Open, capacity.Ask(0));
    }

    [Fact]
    public void The_memory_is_that_of_the_group_where_it_has_a_limit_and_else_of_the_machine()
    {
        string root = Directory.CreateTempSubdirectory("ambient-memory-").FullName;
        try
        {
            Write("proc/meminfo", "MemTotal:       16000 kB\nMemFree: 1 kB\n");
            Write("proc/self/cgroup", "0::/pods/node\n");
            Assert.Equal(new ProcessMemory(77, 16_000 * 1024), ProcessMemory.Read(root, 77));

            Write("sys/fs/cgroup/pods/node/memory.max", "max\n");
            Write("sys/fs/cgroup/pods/node/memory.current", "5000\n");
            Write("sys/fs/cgroup/pods/node/memory.stat", "anon 1\ninactive_file 1000\n");
            Assert.Equal(new ProcessMemory(77, 16_000 * 1024), ProcessMemory.Read(root, 77));

            // What the kernel can drop at once counts as free.
            Write("sys/fs/cgroup/pods/node/memory.max", "9000\n");
            Assert.Equal(new ProcessMemory(4_000, 9_000), ProcessMemory.Read(root, 77));
            Assert.Null(ProcessMemory.Read(Path.Combine(root, "nowhere"), 77));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        void Write(string file, string text)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, file))!);
            File.WriteAllText(Path.Combine(root, file), text);
        }
    }

    [Fact]
    public void The_limit_of_descriptors_is_what_the_kernel_says_and_is_raised_as_far_as_it_goes()
    {
        string[] line = File.ReadLines("/proc/self/limits").Single(l => l.StartsWith("Max open files", StringComparison.Ordinal))[26..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        DescriptorLimit.Raise();
        Assert.Equal(line[1], DescriptorLimit.Current.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static NodeCapacity Of(long descriptors)
    {
        var capacity = new NodeCapacity(2);
        capacity.SetDescriptorLimit(descriptors);
        return capacity;
    }

    private static int TakeAll(NodeCapacity capacity, int loop)
    {
        int held = 0;
        for (; capacity.Ask(held) == Admission.Open; held++) capacity.Add(loop, 1);
        return held;
    }
}
