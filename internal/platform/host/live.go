package host

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/common"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// ErrUnseen is the error of a host that cannot be looked at at all.
var ErrUnseen = errors.New("host cannot be looked at")

// Config says where the host is. The zero value is the machine this process runs on, by HOST_PROC, HOST_SYS, HOST_ETC and HOST_ROOT where
// they are set (gopsutil's names: the host's trees mounted into a container).
type Config struct {
	Proc  string      // default HOST_PROC, else /proc
	Sys   string      // default HOST_SYS, else /sys
	Etc   string      // default HOST_ETC, else /etc
	Root  string      // where the host's file systems are mounted; default HOST_ROOT, else /
	Clock clock.Clock // default clock.System()
}

// Live is the Probe of the machine this process runs on. It keeps no state between samples but which mounts do not answer.
type Live struct {
	proc, sys, etc, root string
	clock                clock.Clock
	walks                chan struct{} // one token for each walk under way
	reads                chan struct{} // and for each file being read

	mu    sync.Mutex
	stuck map[string]int // calls that did not come back, by what was asked
}

var _ Probe = (*Live)(nil)

// New returns a Live probe. It touches nothing.
func New(c Config) *Live {
	env := os.Getenv //nolint:forbidigo // gopsutil's convention for containers, read once at start; Config overrides it
	l := &Live{
		proc:  filepath.Clean(cmp.Or(c.Proc, env(string(common.HostProcEnvKey)), "/proc")),
		sys:   filepath.Clean(cmp.Or(c.Sys, env(string(common.HostSysEnvKey)), "/sys")),
		etc:   filepath.Clean(cmp.Or(c.Etc, env(string(common.HostEtcEnvKey)), "/etc")),
		root:  filepath.Clean(cmp.Or(c.Root, env(string(common.HostRootEnvKey)), "/")),
		clock: c.Clock,
		walks: make(chan struct{}, 2),
		reads: make(chan struct{}, 8),
		stuck: map[string]int{},
	}
	if l.clock == nil {
		l.clock = clock.System()
	}
	return l
}

// Sample implements Probe.
func (l *Live) Sample(ctx context.Context) (*Sample, error) {
	watch := clock.Start()
	s := &Sample{TakenAt: l.clock.Now()}
	if err := l.fill(l.withEnv(ctx), s); err != nil {
		return nil, err
	}
	s.Took = watch.Elapsed()
	return s, nil
}

// Wait implements Probe.
func (l *Live) Wait(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d) }

// withEnv tells gopsutil where the host's trees are.
func (l *Live) withEnv(ctx context.Context) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: l.proc, common.HostSysEnvKey: l.sys, common.HostEtcEnvKey: l.etc, common.HostRootEnvKey: l.root,
	})
}

// at says where a path of the host is for this process.
func (l *Live) at(path string) string {
	path = filepath.Clean(path)
	for _, tree := range [][2]string{{"/proc", l.proc}, {"/sys", l.sys}, {"/etc", l.etc}} {
		if path == tree[0] {
			return tree[1]
		}
		if rest, ok := strings.CutPrefix(path, tree[0]+"/"); ok {
			return filepath.Join(tree[1], rest)
		}
	}
	if l.root == "/" {
		return path
	}
	return filepath.Join(l.root, path)
}

// limited runs f and gives up waiting for it after d or at ctx's end. While a call for name is stuck no further one is started, so that a dead
// mount costs one goroutine however often the host is looked at.
func (l *Live) limited(ctx context.Context, name string, d time.Duration, f func()) error {
	l.mu.Lock()
	stuck := l.stuck[name]
	l.mu.Unlock()
	if stuck > 0 {
		return errStuck
	}
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.stuck[name]++
	l.mu.Unlock()
	go func() {
		<-done
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.stuck[name]--; l.stuck[name] == 0 {
			delete(l.stuck, name)
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	return errStuck
}

var errStuck = errors.New("does not answer")
