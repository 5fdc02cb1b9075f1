//go:build linux

package inject

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/incidenthub/incidenthub/internal/faults/play"
)

// Namespace is a network of its own, with a file system table of its own so that it has its own /etc/resolv.conf and /sys.
type Namespace struct {
	PID int // of the process that keeps it
	ask chan func()
}

// newNamespace makes one whose resolv.conf is text. It has the loopback interface.
func (s *Stage) newNamespace(text string) (*Namespace, error) {
	if os.Geteuid() != 0 {
		return nil, notPossible("a network namespace needs root")
	}
	for _, program := range []string{"ip"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, notPossible("%v", err)
		}
	}
	keep, err := s.dir("ns")
	if err != nil {
		return nil, err
	}
	resolver := filepath.Join(s.Dir, "ns", "resolv.conf")
	if err := os.WriteFile(resolver, []byte(text), 0o644); err != nil {
		return nil, err
	}
	a, err := s.start(s.name(), play.Role{Kind: "namespace", Sysfs: keep, Resolver: resolver}, how{root: true, flags: unix.CLONE_NEWNET | unix.CLONE_NEWNS})
	if err != nil {
		return nil, notPossible("%v", err)
	}
	n := &Namespace{PID: a.PID, ask: make(chan func())}
	entered := make(chan error)
	go n.thread(entered)
	if err := <-entered; err != nil {
		return nil, err
	}
	s.spaces = append(s.spaces, n)
	return n, nil
}

// thread lives as long as the namespace is used: what it starts dies with it. It is never unlocked, so it ends with its goroutine.
func (n *Namespace) thread(entered chan<- error) {
	runtime.LockOSThread()
	entered <- n.enter()
	for f := range n.ask {
		f()
	}
}

func (n *Namespace) enter() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	for name, flag := range map[string]int{"net": unix.CLONE_NEWNET, "mnt": unix.CLONE_NEWNS} {
		f, err := os.Open(filepath.Join("/proc", strconv.Itoa(n.PID), "ns", name))
		if err != nil {
			return err
		}
		err = unix.Setns(int(f.Fd()), flag)
		f.Close()
		if err != nil {
			return fmt.Errorf("setns %s: %w", name, err)
		}
	}
	return nil
}

// do runs f on the namespace's thread.
func (n *Namespace) do(f func() error) error {
	err := make(chan error)
	n.ask <- func() { err <- f() }
	return <-err
}

func (n *Namespace) close() { close(n.ask) }

// Start starts a command inside. A nil Namespace is the machine itself.
func (n *Namespace) Start(c *exec.Cmd) error {
	if n == nil {
		return c.Start()
	}
	return n.do(c.Start)
}

// ip runs the tool of this name inside.
func (n *Namespace) ip(ctx context.Context, args ...string) error {
	return n.do(func() error {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %q: %w: %s", args, err, out)
		}
		return nil
	})
}

// cable puts an interface with an address into the namespace, and its other end, the gateway, into one more.
func (s *Stage) cable(ctx context.Context, n *Namespace, name, prefix string) (peer *Namespace, err error) {
	p, err := s.link(s.name())
	if err != nil {
		return nil, err
	}
	other, err := s.start(filepath.Base(p), play.Role{Kind: "idle"}, how{root: true, flags: syscall.CLONE_NEWNET})
	if err != nil {
		return nil, err
	}
	peer = &Namespace{PID: other.PID, ask: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread()
		entered <- peer.enter()
		for f := range peer.ask {
			f()
		}
	}()
	if err := <-entered; err != nil {
		return nil, notPossible("%v", err)
	}
	s.spaces = append(s.spaces, peer)
	for _, step := range []struct {
		in   *Namespace
		args []string
	}{
		{n, []string{"link", "add", name, "type", "veth", "peer", "name", "up0", "netns", strconv.Itoa(other.PID)}},
		{n, []string{"addr", "add", prefix + ".2/24", "dev", name}},
		{n, []string{"link", "set", name, "up"}},
		{peer, []string{"addr", "add", prefix + ".1/24", "dev", "up0"}},
		{peer, []string{"link", "set", "up0", "up"}},
		{n, []string{"route", "add", "default", "via", prefix + ".1"}},
	} {
		if err := step.in.ip(ctx, step.args...); err != nil {
			return nil, notPossible("%v", err)
		}
	}
	return peer, nil
}
