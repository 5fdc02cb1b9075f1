package local

import "context"

// detector looks for one class of faults.
type detector struct {
	name string
	// walks says that it reads directories: it runs only for an incident about disks, or when a file system is filling (see look.walks).
	walks bool
	// asks says that it reads words, targets or the request. The others run once for all analyses of one pair of samples, and what they get
	// has an empty request; those that ask run for each, so they use look.walk, look.connect and look.lookup, which remember.
	asks bool
	// run returns what it found, in any order. It reads the look and changes nothing; detectors run at the same time. It stops at ctx's end
	// and reports what it could not read with look.missed.
	run func(ctx context.Context, l *look) []finding
}

// detectors are all of them, a line each.
func detectors() []detector {
	return []detector{
		{name: "cpu_busy", run: busyProcess},
		{name: "cpu_quota", run: quota},
		{name: "children", run: comingAndGoing}, // short-lived children and crash loops: one watch for both
		{name: "memory_big", run: bigProcess},
		{name: "memory_growing", run: leaking},
		{name: "memory_tmpfs", run: filesInMemory},
		{name: "memory_cgroup", run: nearLimit},
		{name: "oom_kills", run: killed},
		{name: "zombies", run: zombies},
		{name: "uninterruptible", run: uninterruptible},
		{name: "stopped", run: stopped},
		{name: "fd_limit", run: descriptors},
		{name: "swarm_children", run: swarmOfChildren},
		{name: "swarm_threads", run: swarmOfThreads},
		{name: "stale_pidfile", run: stale},
		{name: "absent_process", run: absent, asks: true},
		{name: "disk_space", run: diskSpace, asks: true},
		{name: "disk_deleted", run: diskDeleted},
		{name: "disk_readonly", run: diskReadOnly},
		{name: "disk_growth", run: diskGrowth},
		{name: "disk_growth_walk", run: diskGrowthWalk, asks: true},
		{name: "disk_writes", run: diskWrites},
		{name: "net_accept_queue", run: netAcceptQueue},
		{name: "net_close_wait", run: netCloseWait},
		{name: "net_link", run: netLink},
		{name: "net_resolver", run: netResolver},
		{name: "net_targets", run: netTargets, asks: true},
	}
}
