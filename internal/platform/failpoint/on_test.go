//go:build chaos && unix

package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestHit kills a process of its own at the second hit of one point.
func TestHit(t *testing.T) {
	t.Parallel()
	if os.Getenv("FAILPOINT_CHILD") != "" {
		Hit(BeforeSend)
		Hit(AfterSend)
		Hit(BeforeSend)
		if os.Getenv(variable) == "before_send@3" {
			os.Exit(3)
		}
		Hit(AfterSend)
		os.Exit(4)
	}
	for set, want := range map[string]int{"after_send@2": -1, "before_send@2": -1, "before_send@3": 3, "": 4} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHit$")
		cmd.Env = append(os.Environ(), "FAILPOINT_CHILD=1", variable+"="+set)
		err := cmd.Run()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != want {
			t.Errorf("%q: %v, want exit code %d", set, err, want)
			continue
		}
		if s, ok := exit.Sys().(syscall.WaitStatus); want < 0 && (!ok || s.Signal() != syscall.SIGKILL) {
			t.Errorf("%q: ended by %v", set, err)
		}
	}
}

func TestFuse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"after_send", "after_send@", "after_send@0", "nowhere@1", "@1"} {
		if _, err := newFuse(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
