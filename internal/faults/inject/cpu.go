//go:build linux

package inject

import (
	"context"
	"strconv"

	"github.com/incidenthub/incidenthub/internal/faults/play"
)

const kindCPU = "cpu"

func cpuFaults() []Fault {
	return []Fault{
		{Name: "busy process", Type: kindCPU, titles: []string{"High CPU usage", "CPU load is high", "CPU alert"}, make: busyProcess},
		{Name: "short-lived children", Type: kindCPU, titles: []string{"High CPU usage", "Load is high", "CPU alert"}, make: shortLived},
		{Name: "held back by CPU quota", Type: kindCPU, Root: true, titles: []string{"CPU throttling", "Service is slow, CPU", "CPU alert"}, make: quota},
	}
}

func busyProcess(_ context.Context, s *Stage) (Scene, error) {
	start := func() (*Actor, error) { return s.actor(play.Role{Kind: "busy"}) }
	if s.rand.IntN(3) == 0 {
		s.remark("a shell script")
		start = func() (*Actor, error) { return s.script(s.name(), "while :; do :; done", how{}) }
	}
	a, err := start()
	if err != nil {
		return Scene{}, err
	}
	return of(a.truth(kindCPU, `cpu|busy|processor`)), nil
}

func shortLived(_ context.Context, s *Stage) (Scene, error) {
	start := func() (*Actor, error) { return s.actor(play.Role{Kind: "spawn", Program: "/bin/true"}) }
	if s.rand.IntN(2) == 0 {
		s.remark("a shell script")
		start = func() (*Actor, error) { return s.script(s.name(), "while :; do /bin/true; done", how{}) }
	}
	a, err := start()
	if err != nil {
		return Scene{}, err
	}
	return of(a.truth(kindCPU, `short-?\s?lived|child|fork|spawn`)), nil
}

func quota(_ context.Context, s *Stage) (Scene, error) {
	const period = 100000
	runs := s.between(10, 35) * period / 100
	name := s.name()
	g, err := s.cgroup("cpu", name, map[int]map[string]string{
		1: {"cpu.cfs_quota_us": strconv.Itoa(runs)},
		2: {"cpu.max": strconv.Itoa(runs) + " " + strconv.Itoa(period)},
	})
	if err != nil {
		return Scene{}, err
	}
	a, err := s.start(s.name(), play.Role{Kind: "busy", Join: []string{g.dir}}, how{root: true})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d %% of a processor, cgroup v%d", runs*100/period, g.version)
	t := a.truth(kindCPU, `quota|throttl|held back|cfs|cpu limit`)
	t.Cgroups = []string{g.path}
	return of(t), nil
}
