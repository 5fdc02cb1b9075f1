package crashtest

import (
	"math"
	"syscall"
	"testing"
	"unsafe"
)

// smallFiles forbids the hub's process to write beyond 64 KiB in any file. Everybody may do that to an own process.
func smallFiles(t *testing.T, h *hub) disk {
	t.Helper()
	set := func(soft uint64) {
		h.mu.Lock()
		pid := h.cmd.Process.Pid
		h.mu.Unlock()
		limit := syscall.Rlimit{Cur: soft, Max: math.MaxUint64}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
	}
	return disk{fill: func() { set(64 << 10) }, free: func() { set(math.MaxUint64) }}
}
