package host

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// ticks is USER_HZ, in which /proc counts time: 100 on every architecture that Go runs on.
const ticks = 100

var errShape = errors.New("not the expected shape")

// parseStat reads /proc/PID/stat (proc_pid_stat(5)). The name may hold spaces and parentheses: it ends at the last one.
func parseStat(text []byte) (Process, error) {
	from, to := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if from < 1 || to < from {
		return Process{}, errShape
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(text[:from])))
	f := bytes.Fields(text[to+1:]) // from field 3 on
	if err != nil || len(f) < 20 || len(f[0]) != 1 {
		return Process{}, errShape
	}
	p := Process{
		PID: pid, Name: clean(text[from+1 : to]), State: string(f[0]),
		PPID: int(signed(f[1])), Kernel: number(f[6])&0x0020_0000 != 0, // PF_KTHREAD
		UserTime: float64(number(f[11])) / ticks, SystemTime: float64(number(f[12])) / ticks,
		ChildrenTime: float64(max(0, signed(f[13]))+max(0, signed(f[14]))) / ticks,
		ChildFaults:  number(f[8]) + number(f[10]),
		Threads:      int(number(f[17])), Started: number(f[19]),
	}
	if p.State == "X" || p.State == "x" {
		return Process{}, errShape // dead, on its way out
	}
	if len(f) > 39 {
		p.IODelay = float64(number(f[39])) / ticks
	}
	return p, nil
}

// parseStatus adds user and memory of /proc/PID/status.
func parseStatus(text []byte, p *Process) {
	for line := range bytes.Lines(text) {
		key, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		switch string(key) {
		case "Uid": // real, effective, saved, file system
			if f := bytes.Fields(value); len(f) > 1 {
				p.UID = int(number(f[1]))
			}
		case "VmRSS":
			p.RSS = kib(value)
		case "RssFile", "RssShmem":
			p.Shared += kib(value)
		case "VmSwap":
			p.Swap = kib(value)
		}
	}
}

// parseIO reads what /proc/PID/io says of storage.
func parseIO(text []byte) (read, written uint64) {
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte{':'})
		switch string(key) {
		case "read_bytes":
			read = number(value)
		case "write_bytes":
			written = number(value)
		}
	}
	return read, written
}

// parseLimits reads the soft limit of descriptors of /proc/PID/limits.
func parseLimits(text []byte) uint64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("Max open files")); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				return number(f[0])
			}
		}
	}
	return 0
}

// cgroupLine is a line of /proc/PID/cgroup. Controllers are empty for version 2.
type cgroupLine struct {
	controllers string // "cpu,cpuacct"
	path        string
}

func parseCgroupLines(text []byte) []cgroupLine {
	var lines []cgroupLine
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 && strings.HasPrefix(parts[2], "/") && !strings.HasPrefix(parts[1], "name=") {
			lines = append(lines, cgroupLine{controllers: parts[1], path: strings.TrimSuffix(parts[2], deleted)})
		}
	}
	return lines
}

// number reads a decimal number, 0 where there is none.
func number(b []byte) uint64 {
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func signed(b []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// kib reads "  123 kB" as bytes.
func kib(b []byte) uint64 {
	n := number(bytes.TrimSuffix(bytes.TrimSpace(b), []byte(" kB")))
	if n > 1<<53 {
		return 0
	}
	return n << 10
}
