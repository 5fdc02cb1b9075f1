//go:build unix

// Package servers starts real Postgres and Redis servers in temporary folders, from the programs Debian installs, for
// tests that need them. It knows nothing of package testing, so that the command testenv can use it as well.
//
// Nothing outlives the process that called Start: a small shell, the guard, holds the reading end of a pipe and, when
// this process ends in whatever way (kill -9 included), stops the server and removes its folder.
package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrMissing is wrapped by errors about a program that is not installed; their text says which command installs it.
var ErrMissing = errors.New("not installed")

// ErrExited is wrapped when a server ended before it was ready; the text has the end of its log.
var ErrExited = errors.New("ended before it was ready")

const (
	startLimit = 60 * time.Second       // a loaded machine runs initdb and recovery slowly
	stopLimit  = 20 * time.Second       // then SIGKILL
	pollEvery  = 10 * time.Millisecond  // between looks at a server that starts or stops
	lookLimit  = 3 * time.Second        // for one connection attempt
	logTail    = 2000                   // bytes of the server's log in an error
	retryEvery = 100 * time.Millisecond // between starts while an old run's memory is still in use
)

// server is one server program with its folder. Its exported methods are promoted to Postgres and Redis and are safe
// for concurrent use.
type server struct {
	name    string
	folder  string
	command []string
	user    *syscall.Credential // nil: as this process
	fast    syscall.Signal      // an orderly end that does not wait for clients
	now     syscall.Signal      // an end at once that leaves nothing behind in the system
	look    func(context.Context) error

	mu    sync.Mutex
	pid   int // 0 while not running
	guard *guard
}

// Dir is the server's folder: data, socket, log. Close removes it.
func (s *server) Dir() string { return s.folder }

// Pid is the main process, 0 while the server is down.
func (s *server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// Start starts a stopped or killed server again, on its old port, and returns when it takes connections.
func (s *server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start()
}

// Stop ends the server in order and waits for that; clients are cut off.
func (s *server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(context.Background(), s.fast)
}

// Abort ends the server at once by the signal that means so to it: Postgres' immediate shutdown, which recovers from
// its log at the next start.
func (s *server) Abort() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(context.Background(), s.now)
}

// Kill ends the server by SIGKILL.
func (s *server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(context.Background(), syscall.SIGKILL)
}

// Restart is Stop and Start.
func (s *server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.end(context.Background(), s.fast); err != nil {
		return err
	}
	return s.start()
}

// Signal sends sig to the main process, for example SIGSTOP and SIGCONT.
func (s *server) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pid == 0 {
		return fmt.Errorf("signal %s: %w", s.name, os.ErrProcessDone)
	}
	return syscall.Kill(s.pid, sig)
}

// Close ends the server at once and removes its folder. It may be called twice.
func (s *server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.end(context.Background(), s.now)
	s.guard.close()
	return errors.Join(err, os.RemoveAll(s.folder))
}

func (s *server) start() error {
	if s.pid != 0 {
		return fmt.Errorf("start %s: it runs already", s.name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for {
		err := s.startOnce(ctx)
		// Processes of a killed Postgres need a moment to notice; until then it refuses a new start.
		if err == nil || !strings.Contains(err.Error(), "shared memory block") || !sleep(ctx, retryEvery) {
			return err
		}
	}
}

func (s *server) startOnce(ctx context.Context) error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.command[0], s.command[1:]...)
	cmd.Dir, cmd.Env = s.folder, environment(s.folder)
	cmd.Stdout, cmd.Stderr = log, log
	// A session of its own: Ctrl-C in a terminal and signals to the caller's group must not reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.user}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.pid = cmd.Process.Pid
	_ = cmd.Process.Release() // from here on by number: waiting without a goroutine needs wait4
	if err := s.guard.watch(s.pid); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", s.name, err), s.end(ctx, syscall.SIGKILL))
	}
	for {
		if s.reap() {
			return fmt.Errorf("start %s: %w: %s", s.name, ErrExited, s.tail())
		}
		err := s.look(ctx)
		if err == nil {
			return nil
		}
		if !sleep(ctx, pollEvery) {
			return errors.Join(fmt.Errorf("start %s: not ready in %s: %w: %s", s.name, startLimit, err, s.tail()),
				s.end(ctx, syscall.SIGKILL))
		}
	}
}

// end sends sig and waits, whatever has become of ctx; a server that takes longer than stopLimit is killed. Down
// already is fine.
func (s *server) end(ctx context.Context, sig syscall.Signal) error {
	if s.pid == 0 {
		return nil
	}
	if err := syscall.Kill(s.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	_ = syscall.Kill(s.pid, syscall.SIGCONT) // a paused process would never see the signal
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	for !s.reap() {
		if !sleep(ctx, pollEvery) {
			_ = syscall.Kill(s.pid, syscall.SIGKILL)
			ctx = context.WithoutCancel(ctx)
		}
	}
	return nil
}

// reap reports whether the main process has ended, and forgets it then.
func (s *server) reap() bool {
	var status syscall.WaitStatus
	got, err := syscall.Wait4(s.pid, &status, syscall.WNOHANG, nil)
	if got != s.pid && !errors.Is(err, syscall.ECHILD) {
		return false
	}
	s.pid = 0
	s.guard.forget()
	return true
}

func (s *server) logPath() string { return filepath.Join(s.folder, "log") }

func (s *server) tail() string {
	b, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-logTail):]))
}

// sleep waits for d and reports false when ctx ended instead.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// environment is what servers get instead of ours: nothing of the caller's (PGDATA, locale) may change them.
func environment(folder string) []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=" + folder, "TMPDIR=" + folder}
}
