package local

import (
	"path"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// cgroupFile is where a controller's file of a group is usually found.
func cgroupFile(g *host.Cgroup, controller, file string) string {
	if g.Version == 1 {
		return path.Join("/sys/fs/cgroup", controller, g.Path, file)
	}
	return path.Join("/sys/fs/cgroup", g.Path, file)
}

func cpuMaxFile(g *host.Cgroup) string {
	if g.Version == 1 {
		return "cpu.cfs_quota_us"
	}
	return "cpu.max"
}

// memoryFiles are the use and the limit of a group.
func memoryFiles(g *host.Cgroup) (used, limit, events string) {
	if g.Version == 1 {
		return cgroupFile(g, "memory", "memory.usage_in_bytes"), cgroupFile(g, "memory", "memory.limit_in_bytes"), cgroupFile(g, "memory", "memory.oom_control")
	}
	return cgroupFile(g, "", "memory.current"), cgroupFile(g, "", "memory.max"), cgroupFile(g, "", "memory.events")
}

// unitOr is the unit of a group, or the last part of its path.
func unitOr(p string) string {
	if u := unit(p); u != "" {
		return u
	}
	return path.Base(p)
}
