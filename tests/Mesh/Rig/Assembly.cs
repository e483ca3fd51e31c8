// Labs share the machine's two cores and their addresses: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
