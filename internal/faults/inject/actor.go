//go:build linux

package inject

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/play"
)

// Actor is a process on a stage.
type Actor struct {
	Name    string
	PID     int
	Program string

	cmd *exec.Cmd
	out *os.File
}

// How a process is started.
type how struct {
	root  bool       // whatever the stage says
	space *Namespace // in it
	flags uintptr    // new namespaces
	args  []string
}

// link gives this program another name.
func (s *Stage) link(name string) (string, error) {
	p := filepath.Join(s.Dir, "bin", name)
	if err := os.Link(s.program, p); err == nil || errors.Is(err, os.ErrExist) {
		return p, nil
	}
	from, err := os.Open(s.program)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.OpenFile(p, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return p, errors.Join(err, to.Close())
}

// start begins a process with a role and waits until its part is set up.
func (s *Stage) start(name string, r play.Role, h how) (*Actor, error) {
	p, err := s.link(name)
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	c := exec.Command(p, h.args...)
	c.Env = []string{play.Variable + "=" + string(settings), "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	a, err := s.launch(name, c, h)
	if err != nil {
		return nil, err
	}
	if err := play.Await(a.out, 30*time.Second); err != nil {
		return nil, fmt.Errorf("%s as %s: %w", r.Kind, name, err)
	}
	return a, nil
}

// script begins a shell script, which says nothing.
func (s *Stage) script(name, text string, h how) (*Actor, error) {
	p := filepath.Join(s.Dir, "bin", name)
	if err := os.WriteFile(p, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		return nil, err
	}
	c := exec.Command(p)
	c.Env = []string{"PATH=/usr/bin:/bin"}
	return s.launch(name, c, h)
}

// launch starts a command that dies with this process, in a group of its own. It must be called on the main thread: the signal comes
// when the thread that started a process ends. Those of a namespace are started on its thread.
func (s *Stage) launch(name string, c *exec.Cmd, h how) (*Actor, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	c.Stdout, c.Stderr, c.Dir = write, write, s.Dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: h.flags}
	if len(s.users) > 0 && !h.root {
		u := pick(s.rand, s.users...)
		c.SysProcAttr.Credential = &syscall.Credential{Uid: u, Gid: u}
	}
	begin := c.Start
	if h.space != nil {
		begin = func() error { return h.space.do(c.Start) }
	}
	if err := begin(); err != nil {
		read.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	a := &Actor{Name: name, PID: c.Process.Pid, Program: c.Path, cmd: c, out: read}
	s.actors = append(s.actors, a)
	return a, nil
}

// kill ends the process and its group.
func (a *Actor) kill() {
	_ = syscall.Kill(-a.PID, syscall.SIGKILL)
	_ = a.cmd.Process.Kill()
}

func (a *Actor) bury() {
	_ = a.cmd.Wait()
	a.out.Close()
}

// alive says whether it still runs: a fault that ended by itself is none.
func (a *Actor) alive() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.PID))
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}
