//go:build linux

// Package play is what the processes of a fault do: the faults and the normal load beside them. A process is this program again, under
// another name; what it is to do stands in its environment, so that nothing in its command line tells.
package play

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Variable is the environment variable with the Role as JSON.
const Variable = "SERVICE_SETTINGS"

// Role is what one process is to do.
type Role struct {
	Kind     string        `json:"kind"`
	Path     string        `json:"path,omitempty"`
	Address  string        `json:"address,omitempty"`
	Program  string        `json:"program,omitempty"` // for its children
	Bytes    int64         `json:"bytes,omitempty"`
	Rate     int64         `json:"rate,omitempty"` // bytes per second
	Most     int64         `json:"most,omitempty"` // bytes
	Count    int           `json:"count,omitempty"`
	Every    time.Duration `json:"every,omitempty"`
	Join     []string      `json:"join,omitempty"`     // directories of control groups
	Sysfs    string        `json:"sysfs,omitempty"`    // of Namespace: an empty directory to keep mounts in meanwhile
	Resolver string        `json:"resolver,omitempty"` // of Namespace: what stands in for /etc/resolv.conf
}

// Ready is what a process prints when its part is set up.
const Ready = "ready\n"

// parts are the kinds of roles. A part calls ready once and then plays until it is killed; with no error it idles afterwards.
func parts() map[string]func(r Role, ready func()) error {
	return map[string]func(Role, func()) error{
		"idle": idle, "static": static, "log": keepLog, "web": web, "client": client, "compile": compile, "reader": reader,
		"busy": busy, "spawn": spawn, "grow": grow, "oom": oom, "eat": eat,
		"deleted": deleted, "growfile": growFile, "slowwrite": slowWrite, "appender": appender,
		"supervise": supervise, "exit": exit, "zombies": zombies, "stuck": stuck, "descriptors": descriptors, "children": children, "threads": threads,
		"listen": listen, "connect": connect, "closewait": closeWait, "slow": slow, "dns": dns, "swallow": swallow, "retry": retry,
		"namespace": namespace,
	}
}

// Run plays the role in settings. It returns only with an error.
func Run(settings string) error {
	var r Role
	if err := json.Unmarshal([]byte(settings), &r); err != nil {
		return fmt.Errorf("read role: %w", err)
	}
	part, ok := parts()[r.Kind]
	if !ok {
		return fmt.Errorf("no role %q", r.Kind)
	}
	for _, dir := range r.Join {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return fmt.Errorf("join a control group: %w", err)
		}
	}
	if err := part(r, func() { _, _ = os.Stdout.WriteString(Ready) }); err != nil {
		return fmt.Errorf("%s: %w", r.Kind, err)
	}
	forever()
	return nil
}

// Await reads from a process's output that it is ready.
func Await(out *os.File, limit time.Duration) error {
	if err := out.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != Ready {
		return fmt.Errorf("not ready: %q, %w", line, errors.Join(err))
	}
	return nil
}

func forever() { select {} }

func idle(_ Role, ready func()) error {
	ready()
	for {
		time.Sleep(time.Hour) // a select of nothing is a deadlock where no other goroutine lives
	}
}

// child is a command that dies with this process.
func child(program string, r *Role, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.Env = []string{"PATH=/usr/bin:/bin"}
	if r != nil {
		settings, err := json.Marshal(r)
		if err != nil {
			panic(err) // a struct of strings and numbers
		}
		c.Env = append(c.Env, Variable+"="+string(settings))
	}
	return c
}
