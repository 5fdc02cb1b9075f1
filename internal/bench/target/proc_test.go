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
	own := SelfCPU()
	for end := time.Now().Add(time.Minute); own < 2*tick && time.Now().Before(end); {
		own = SelfCPU() // so that there is something to see
	}
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
