package intelligence

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// thisProcess names this process so that others on the same machine can tell whether it lives: which start of the machine, which
// namespace of processes, number, and when it began. "" where that cannot be read.
func thisProcess() string {
	place, pid := thisPlace(), os.Getpid()
	began := beganAt(pid)
	if place == "" || began == "" {
		return ""
	}
	return place + "/" + strconv.Itoa(pid) + "/" + began
}

// hasEnded reports whether a process that thisProcess named is surely gone. Of those on other machines, and in other containers, nobody
// here can tell.
func hasEnded(process string) bool {
	rest, here := strings.CutPrefix(process, thisPlace()+"/")
	number, began, ok := strings.Cut(rest, "/")
	pid, err := strconv.Atoi(number)
	if !here || !ok || err != nil || pid <= 0 || thisPlace() == "" {
		return false
	}
	if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) {
		return true
	}
	now := beganAt(pid)
	return now != "" && now != began // the number is another's
}

func thisPlace() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(boot)) + "/" + space
}

// beganAt is when a process began, in the kernel's ticks; "" when it cannot be read.
func beganAt(pid int) string {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(raw[max(bytes.LastIndexByte(raw, ')'), 0):]), ") ")
	if f := strings.Fields(rest); len(f) > 19 {
		return f[19]
	}
	return ""
}
