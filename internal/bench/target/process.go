//go:build unix

package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is one program of a hub: its server or one of its workers.
type process struct {
	name  string // for errors
	log   string // path of what it prints
	cmd   *exec.Cmd
	ended chan error
}

// start starts it and returns as soon as it runs.
func (p *process) start(ctx context.Context, program string, args, env []string) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start the %s: %w", p.name, err)
	}
	defer log.Close()
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench, which stops its hubs itself
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return fmt.Errorf("start the %s: %w", p.name, err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	return nil
}

// await returns how long it took from began until ready said so.
func (p *process) await(began time.Time, ready func() bool) (time.Duration, error) {
	for {
		if ready() {
			return time.Since(began), nil
		}
		select {
		case err := <-p.ended:
			p.cmd = nil
			return 0, fmt.Errorf("the %s ended before it was ready: %w: %s", p.name, err, p.tail())
		case <-time.After(readyPoll):
		}
		if time.Since(began) > readyLimit {
			return 0, fmt.Errorf("the %s is not ready after %s: %s", p.name, readyLimit, p.tail())
		}
	}
}

// stop ends the process in order.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the %s: %w", p.name, err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("stop the %s: %w: %s", p.name, err, p.tail())
		}
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the %s did not stop in %s: %s", p.name, stopLimit, p.tail()), cmd.Process.Kill())
	}
}

// kill ends the process at once.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended                //nolint:errcheck // killed
	p.cmd = nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) tail() string {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(raw[max(0, len(raw)-2000):]))
}
