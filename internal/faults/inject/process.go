//go:build linux

package inject

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

const kindProcess = "process"

func processFaults() []Fault {
	return []Fault{
		{Name: "missing, with a stale pidfile", Type: kindProcess, titles: []string{"Process is not running", "Service down", "Process alert"}, make: missing},
		{Name: "crash loop", Type: kindProcess, titles: []string{"Process restarts too often", "Service keeps crashing", "Process alert"}, make: crashLoop},
		{Name: "zombies", Type: kindProcess, titles: []string{"Zombie processes", "Too many processes", "Process alert"}, make: zombies},
		{Name: "uninterruptible", Type: kindProcess, titles: []string{"Process hangs", "Process in state D", "Process alert"}, make: uninterruptible},
		{Name: "stopped", Type: kindProcess, titles: []string{"Process does not respond", "Process hangs", "Process alert"}, make: stopped},
		{Name: "descriptors at the limit", Type: kindProcess, titles: []string{"Too many open files", "Process alert"}, make: descriptors},
		{Name: "swarm of children", Type: kindProcess, titles: []string{"Too many processes", "Process count high", "Process alert"}, make: swarmOfChildren},
		{Name: "swarm of threads", Type: kindProcess, titles: []string{"Too many threads", "Process alert"}, make: swarmOfThreads},
	}
}

// pidfile writes one to a usual place.
func (s *Stage) pidfile(name string, pid int) (string, error) {
	places := []string{"/tmp", "/tmp/" + name}
	if os.Geteuid() == 0 {
		places = append(places, "/run", "/run/"+name)
	}
	dir := pick(s.rand, places...)
	p := filepath.Join(dir, name+".pid")
	if filepath.Base(dir) == name {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
		if err := s.trash.Add("remove", dir); err != nil {
			return "", err
		}
	} else if err := s.trash.Add("remove", p); err != nil {
		return "", err
	}
	f, err := os.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(strconv.Itoa(pid) + "\n")
	f.Close()
	return p, err
}

func missing(_ context.Context, s *Stage) (Scene, error) {
	for range 2 { // whose processes live
		a := s.actors[s.rand.IntN(len(s.actors))]
		if _, err := os.Stat("/tmp/" + a.Name + ".pid"); err == nil {
			continue
		}
		if _, err := s.pidfile(a.Name, a.PID); err != nil && !os.IsExist(err) {
			return Scene{}, err
		}
	}
	c := exec.Command("/bin/true")
	if err := c.Run(); err != nil {
		return Scene{}, err
	}
	name := s.name()
	p, err := s.pidfile(name, c.Process.Pid)
	if err != nil {
		return Scene{}, err
	}
	s.remark("%s", p)
	return of(score.Truth{
		Type: kindProcess, PIDs: []int{c.Process.Pid}, Names: []string{name}, Paths: []string{p}, Units: []string{name},
		Cause: []string{`stale|missing|not running|pid ?file|gone|no process|dead`},
	}), nil
}

func crashLoop(_ context.Context, s *Stage) (Scene, error) {
	child := s.name()
	program, err := s.link(child)
	if err != nil {
		return Scene{}, err
	}
	every := s.some(100*time.Millisecond, 500*time.Millisecond)
	var a *Actor
	if s.rand.IntN(2) == 0 {
		if err := os.Remove(program); err != nil {
			return Scene{}, err
		}
		if err := os.WriteFile(program, []byte("#!/bin/sh\nsleep 0.2\nexit 1\n"), 0o755); err != nil {
			return Scene{}, err
		}
		s.remark("shell scripts")
		a, err = s.script(s.name(), "while :; do "+program+"; sleep 0.3; done", how{})
	} else {
		a, err = s.actor(play.Role{Kind: "supervise", Program: program, Every: every})
	}
	if err != nil {
		return Scene{}, err
	}
	t := a.truth(kindProcess, `crash|restart|keeps (ending|dying|exiting)|dies`)
	t.Names, t.Paths, t.Transient = append(t.Names, child), append(t.Paths, program), true
	return of(t), nil
}

func zombies(_ context.Context, s *Stage) (Scene, error) {
	n := s.between(25, 70)
	a, err := s.actor(play.Role{Kind: "zombies", Program: "/bin/true", Count: n})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d", n)
	return of(a.truth(kindProcess, `zombie|defunct`)), nil
}

func uninterruptible(_ context.Context, s *Stage) (Scene, error) {
	a, err := s.actor(play.Role{Kind: "stuck"})
	if err != nil {
		return Scene{}, err
	}
	return of(a.truth(kindProcess, `uninterruptible|\bstate d\b|d[ -]state|\(D\)`)), nil
}

func stopped(_ context.Context, s *Stage) (Scene, error) {
	a, err := s.actor(play.Role{Kind: "static", Bytes: int64(s.between(20, 60)) * mib})
	if err != nil {
		return Scene{}, err
	}
	return of(a.truth(kindProcess, `stopped|suspended|sigstop|state t`)), syscall.Kill(a.PID, syscall.SIGSTOP)
}

func descriptors(_ context.Context, s *Stage) (Scene, error) {
	limit := pick(s.rand, 128, 256, 512, 1024)
	data, err := s.dir("data")
	if err != nil {
		return Scene{}, err
	}
	p := pick(s.rand, "/dev/null", filepath.Join(data, "table.db"))
	if p != "/dev/null" {
		if err := s.write(p, 4096); err != nil {
			return Scene{}, err
		}
	}
	a, err := s.actor(play.Role{Kind: "descriptors", Path: p, Count: limit})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d", limit)
	return of(a.truth(kindProcess, `descriptor|open files|nofile|file handles`)), nil
}

func swarmOfChildren(_ context.Context, s *Stage) (Scene, error) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		return Scene{}, notPossible("%v", err)
	}
	n := s.between(200, 350)
	a, err := s.actor(play.Role{Kind: "children", Program: sleep, Count: n})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d", n)
	return of(a.truth(kindProcess, `children|child processes|swarm|many processes|fork`)), nil
}

func swarmOfThreads(_ context.Context, s *Stage) (Scene, error) {
	n := s.between(500, 1200)
	a, err := s.actor(play.Role{Kind: "threads", Count: n})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d", n)
	return of(a.truth(kindProcess, `thread`)), nil
}
