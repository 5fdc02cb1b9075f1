//go:build linux

package play

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// supervise starts a program again whenever it ends.
func supervise(r Role, ready func()) error {
	ready()
	for {
		c := child(r.Program, &Role{Kind: "exit", Every: r.Every})
		if err := c.Run(); err != nil && errors.Is(err, exec.ErrNotFound) {
			return err
		}
		time.Sleep(r.Every)
	}
}

// exit is a program that does not last.
func exit(r Role, _ func()) error {
	time.Sleep(r.Every)
	return errors.New("cannot read its configuration")
}

// zombies never asks what became of its children.
func zombies(r Role, ready func()) error {
	for range r.Count {
		if err := child(r.Program, nil).Start(); err != nil {
			return err
		}
	}
	ready()
	return nil
}

// stuck waits uninterruptibly for a child made as vfork makes it, which never ends. A signal other than KILL does not reach it.
func stuck(_ Role, ready func()) error {
	if unix.Gettid() != os.Getpid() {
		return errors.New("not on the main thread")
	}
	ready()
	child, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD|syscall.CLONE_VFORK), 0, 0, 0, 0, 0)
	if child != 0 {
		return fmt.Errorf("the child is gone: %w", errno)
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
	for {
		_, _, _ = syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}

// descriptors opens files until it may not open another.
func descriptors(r Role, ready func()) error {
	limit := &syscall.Rlimit{Cur: uint64(r.Count), Max: uint64(r.Count)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, limit); err != nil {
		return err
	}
	for {
		if _, err := syscall.Open(r.Path, syscall.O_RDONLY, 0); err != nil {
			if errors.Is(err, syscall.EMFILE) {
				break
			}
			return err
		}
	}
	ready()
	return nil
}

func children(r Role, ready func()) error {
	for range r.Count {
		if err := child(r.Program, nil, "600").Start(); err != nil {
			return err
		}
	}
	ready()
	return nil
}

func threads(r Role, ready func()) error {
	debug.SetMaxThreads(r.Count + 100)
	for range r.Count {
		go func() {
			runtime.LockOSThread()
			for {
				_, _, _ = syscall.Syscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
			}
		}()
	}
	time.Sleep(200 * time.Millisecond)
	ready()
	return nil
}
