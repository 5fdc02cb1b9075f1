//go:build unix

package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// folderPrefix begins every folder made here; the guard removes no other.
const folderPrefix = "hubtest-"

// guardScript waits for the end of its standard input, then for the end of the server named in the pid file.
// $1 is the folder, $2 the signal.
const guardScript = `
read -r _
if [ -s "$1/pid" ]; then
	pid=$(cat "$1/pid")
	kill -s CONT "$pid"
	kill -s "$2" "$pid"
	n=0
	while kill -s 0 "$pid" && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
	kill -s KILL "$pid"
fi
case "$1" in */` + folderPrefix + `*) rm -rf "$1" ;; esac
`

// guard cleans up after this process. A parent-death signal would not do: it follows the thread, not the process, is
// lost when the server changes its user, and removes no folder.
type guard struct {
	folder string
	alive  *os.File // the writing end: the kernel closes it with us
	cmd    *exec.Cmd
}

func newGuard(folder, signal string) (*guard, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	defer read.Close()
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", guardScript, "guard", folder, signal)
	cmd.Dir, cmd.Stdin = "/", read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	return &guard{folder: folder, alive: write, cmd: cmd}, nil
}

func (g *guard) watch(pid int) error {
	return os.WriteFile(g.pidPath(), []byte(strconv.Itoa(pid)), 0o600)
}

// forget must follow every wait: from then on the number may be another process.
func (g *guard) forget() { _ = os.Remove(g.pidPath()) }

// close lets the guard remove the folder and waits for it.
func (g *guard) close() {
	if g.cmd == nil {
		return
	}
	_ = g.alive.Close()
	_ = g.cmd.Wait() // its status says nothing: the last command is often a kill of what is gone
	g.cmd = nil
}

func (g *guard) pidPath() string { return filepath.Join(g.folder, "pid") }
