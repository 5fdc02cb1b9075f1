//go:build unix

package target

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every architecture that Go runs on (man 7 time).
const tick = 10 * time.Millisecond

// processCPU is what a process has used; with children also what its ended children had used, and those that live.
func processCPU(pid int, children bool) (time.Duration, error) {
	stat, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	if !children {
		return stat.own, nil
	}
	sum := stat.own + stat.ended
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, p := range paths {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(p)))
		if err != nil {
			continue
		}
		if child, err := readStat(n); err == nil && child.parent == pid { // one that ended meanwhile is in "ended" next time
			sum += child.own
		}
	}
	return sum, nil
}

type stat struct {
	parent     int
	own, ended time.Duration
}

// readStat reads /proc/pid/stat (man 5 proc_pid_stat: ppid is field 4, utime to cstime are 14 to 17).
func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])) // from field 3 on
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("read the CPU time of process %d: short /proc/stat", pid)
	}
	n := func(field int) int64 {
		v, _ := strconv.ParseInt(fields[field-3], 10, 64) // the kernel writes numbers
		return v
	}
	return stat{
		parent: int(n(4)), own: time.Duration(n(14)+n(15)) * tick, ended: time.Duration(n(16)+n(17)) * tick,
	}, nil
}

// residentBytes is what of a process is in memory.
func residentBytes(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("read the memory of process %d: no VmRSS", pid)
}

// SelfCPU is what this process has used, with what it waited for.
func SelfCPU() time.Duration {
	d, err := processCPU(os.Getpid(), false)
	if err != nil {
		return 0
	}
	return d
}
