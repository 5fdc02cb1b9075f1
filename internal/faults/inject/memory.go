//go:build linux

package inject

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

const (
	kindMemory = "memory"
	mib        = 1 << 20
)

func memoryFaults() []Fault {
	return []Fault{
		{Name: "big process", Type: kindMemory, titles: []string{"High memory usage", "Memory alert", "Memory is running low"}, make: bigProcess},
		{Name: "growing process", Type: kindMemory, static: [2]int{1300, 1600}, titles: []string{"Memory usage rises", "High memory usage", "Memory alert"}, make: growing},
		{Name: "files in tmpfs", Type: kindMemory, titles: []string{"High memory usage", "Memory alert", "Memory is running low"}, make: tmpfsFiles},
		{Name: "near the cgroup limit", Type: kindMemory, Root: true, titles: []string{"Container near its memory limit", "High memory usage", "Memory alert"}, make: nearLimit},
		{Name: "OOM-kill loop", Type: kindMemory, Root: true, titles: []string{"OOM kills", "Out of memory", "Memory alert"}, make: oomLoop},
	}
}

func bigProcess(_ context.Context, s *Stage) (Scene, error) {
	size := int64(s.between(2000, 2400))
	a, err := s.actor(play.Role{Kind: "static", Bytes: size * mib})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d MiB", size)
	return of(a.truth(kindMemory, `memory|resident|rss`)), nil
}

func growing(_ context.Context, s *Stage) (Scene, error) {
	rate := int64(s.between(25, 40))
	a, err := s.actor(play.Role{Kind: "grow", Bytes: int64(s.between(60, 150)) * mib, Rate: rate * mib, Most: 1200 * mib})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d MiB/s", rate)
	return of(a.truth(kindMemory, `grow|leak|ris(es|ing)|increas`)), nil
}

func tmpfsFiles(_ context.Context, s *Stage) (Scene, error) {
	const shm = "/dev/shm"
	if st, err := os.Stat(shm); err != nil || !st.IsDir() {
		return Scene{}, notPossible("no %s", shm)
	}
	dir, err := os.MkdirTemp(shm, s.name())
	if err != nil {
		return Scene{}, notPossible("%v", err)
	}
	if err := s.trash.Add("remove", dir); err != nil {
		return Scene{}, err
	}
	if err := open(dir); err != nil {
		return Scene{}, err
	}
	size, files := s.between(900, 1500), s.between(1, 7)
	for i := range files {
		if err := s.write(filepath.Join(dir, fmt.Sprintf("segment-%d", i)), size/files*mib); err != nil {
			return Scene{}, err
		}
	}
	s.remark("%d MiB in %d files", size, files)
	return of(score.Truth{Type: kindMemory, Dirs: []string{dir}, Cause: []string{`tmpfs|shm|shared memory|in memory`}}), nil
}

func memoryGroup(s *Stage, size int) (controlGroup, error) {
	bytes := strconv.Itoa(size * mib)
	return s.cgroup("memory", s.name(), map[int]map[string]string{1: {"memory.limit_in_bytes": bytes}, 2: {"memory.max": bytes}})
}

func nearLimit(_ context.Context, s *Stage) (Scene, error) {
	limit := s.between(250, 500)
	g, err := memoryGroup(s, limit)
	if err != nil {
		return Scene{}, err
	}
	a, err := s.start(s.name(), play.Role{Kind: "static", Bytes: int64(limit*94/100-5) * mib, Join: []string{g.dir}}, how{root: true})
	if err != nil {
		return Scene{}, err
	}
	s.remark("limit %d MiB, cgroup v%d", limit, g.version)
	t := a.truth(kindMemory, `cgroup|control group|container|limit`)
	t.Cgroups = []string{g.path}
	return of(t), nil
}

func oomLoop(_ context.Context, s *Stage) (Scene, error) {
	limit := s.between(64, 128)
	g, err := memoryGroup(s, limit)
	if err != nil {
		return Scene{}, err
	}
	eater := s.name()
	program, err := s.link(eater)
	if err != nil {
		return Scene{}, err
	}
	every := s.some(200*time.Millisecond, 600*time.Millisecond)
	a, err := s.start(s.name(), play.Role{Kind: "oom", Program: program, Most: int64(limit) * 4 * mib, Every: every, Join: []string{g.dir}}, how{root: true})
	if err != nil {
		return Scene{}, err
	}
	s.remark("limit %d MiB, cgroup v%d", limit, g.version)
	t := a.truth(kindMemory, `oom|out of memory|out-of-memory`)
	t.Cgroups, t.Names, t.Transient = []string{g.path}, append(t.Names, eater), true
	t.Paths = append(t.Paths, program)
	return of(t), nil
}
