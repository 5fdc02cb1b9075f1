//go:build linux

package target

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestProcessCPU(t *testing.T) {
	t.Parallel()
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
		continue // so that there is something to see
	}
	own := SelfCPU()
	// A child that ended and was waited for still counts.
	if err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").Run(); err != nil {
		t.Fatal(err)
	}
	all, err := processCPU(os.Getpid(), true)
	if err != nil || own < 2*tick || all < own+2*tick {
		t.Errorf("own %s, with children %s: %v", own, all, err)
	}
	if _, err := processCPU(1<<30, false); err == nil {
		t.Error("a process that does not exist has used CPU time")
	}
	if n, err := residentBytes(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("%d bytes resident: %v", n, err)
	}
}
