//go:build unix

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Machine is what the figures were measured on.
type Machine struct {
	Cores      int     `json:"cores"`
	CPU        string  `json:"cpu"`
	Memory     string  `json:"memory"`
	Kernel     string  `json:"kernel"`
	Filesystem string  `json:"filesystem"` // of the databases
	Sync       float64 `json:"fdatasync_ms"`
	Go         string  `json:"go"`
	Postgres   string  `json:"postgres,omitempty"`
	Redis      string  `json:"redis,omitempty"`
}

func describe(folder string) Machine {
	return Machine{
		Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: read("/proc/sys/kernel/osrelease"), Filesystem: filesystem(folder), Sync: milliseconds(syncTime(folder)), Go: runtime.Version(),
	}
}

func read(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(raw))
}

// field finds the first "name : value" line.
func field(path, name string) string {
	for line := range strings.Lines(read(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	one, _, _ := strings.Cut(read("/proc/loadavg"), " ")
	return one
}

// filesystem names the device and type of the mount that folder is on: the one with the longest path.
func filesystem(folder string) string {
	best, found := -1, "unknown"
	for line := range strings.Lines(read("/proc/mounts")) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		rel, err := filepath.Rel(f[1], folder)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") && len(f[1]) >= best {
			best, found = len(f[1]), f[2]+" on "+f[0]
		}
	}
	return found
}

// syncTime is the median time of writing 8 KiB and waiting for the disk.
func syncTime(folder string) time.Duration {
	f, err := os.CreateTemp(folder, "sync-")
	if err != nil {
		return 0
	}
	defer f.Close() // the folder is removed with all that is in it
	times := make([]time.Duration, 50)
	for i := range times {
		began := time.Now()
		if _, err := f.Write(make([]byte, 8<<10)); err != nil {
			return 0
		}
		if err := f.Sync(); err != nil {
			return 0
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[len(times)/2]
}
