package host

import (
	"bytes"
	"context"
	"strconv"

	"golang.org/x/sys/unix"
)

const hasBusy = true

// mountPoints are the paths where a file system is mounted, other than the root.
func (l *Live) mountPoints(context.Context) map[string]bool {
	var buf []byte
	proc, err := openDir(unix.AT_FDCWD, l.proc, &buf)
	if err != nil {
		return nil
	}
	defer proc.close()
	points := map[string]bool{}
	for _, m := range l.mountTable(proc) {
		points[m.path] = true
	}
	delete(points, "/")
	return points
}

// alive says whether a process with this pid runs, and its name. A zombie does not run; a thread's number is nobody's pid.
func (l *Live) alive(_ context.Context, pid int) (name string, ok bool) {
	var buf []byte
	d, err := openDir(unix.AT_FDCWD, l.proc+"/"+strconv.Itoa(pid), &buf)
	if err != nil {
		return "", false
	}
	defer d.close()
	text, err := d.read("status")
	if err != nil {
		return "", false
	}
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte{':'})
		if string(key) == "Tgid" && number(value) != uint64(pid) {
			return "", false
		}
	}
	if text, err = d.read("stat"); err != nil {
		return "", false
	}
	p, err := parseStat(text)
	return p.Name, err == nil && p.State != "Z"
}
