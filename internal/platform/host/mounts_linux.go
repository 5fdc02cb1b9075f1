package host

import (
	"context"
	"errors"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// mountLine is a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type mountLine struct {
	id, parent   string
	dev          uint64
	root, path   string
	options      string
	kind, device string
	super        string
}

// mountTable reads the mounts: of the host's first process when another host's tree is read, else our own.
func (l *Live) mountTable(proc dir) []mountLine {
	names := []string{"self/mountinfo"}
	if l.elsewhere() {
		names = []string{"1/mountinfo", "self/mountinfo"}
	}
	for _, name := range names {
		if text, err := proc.read(name); err == nil {
			return parseMounts(text)
		}
	}
	return nil
}

func parseMounts(text []byte) []mountLine {
	var lines []mountLine
	for line := range strings.Lines(string(text)) {
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		f, g := strings.Split(before, " "), strings.Split(after, " ")
		if !ok || len(f) < 6 || len(g) < 3 || !strings.HasPrefix(f[4], "/") {
			continue
		}
		major, minor, _ := strings.Cut(f[2], ":")
		lines = append(lines, mountLine{
			id: f[0], parent: f[1], dev: unix.Mkdev(uint32(number([]byte(major))), uint32(number([]byte(minor)))),
			root: unescape(f[3]), path: unescape(f[4]), options: f[5], kind: g[0], device: unescape(g[1]), super: g[2],
		})
	}
	return lines
}

// unescape reads the octal escapes of /proc: \040 is a space, \012 a line's end.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) && s[i+1] < '4' {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

// sizeless are file systems that keep nothing. autofs is here since asking it mounts what it stands for.
var sizeless = map[string]bool{
	"proc": true, "sysfs": true, "cgroup": true, "cgroup2": true, "devpts": true, "mqueue": true, "debugfs": true, "tracefs": true,
	"securityfs": true, "bpf": true, "pstore": true, "autofs": true, "fusectl": true, "configfs": true, "rpc_pipefs": true,
	"binfmt_misc": true, "nsfs": true, "selinuxfs": true, "efivarfs": true,
}

// mounts asks each file system for its use, all at once: a dead one costs the limit once, not each.
func (l *Live) mounts(ctx context.Context, lines []mountLine) []Mount {
	covered := map[string]bool{}
	at := map[string]string{} // id -> path
	for _, m := range lines {
		at[m.id] = m.path
	}
	for _, m := range lines {
		if at[m.parent] == m.path && m.parent != m.id {
			covered[m.parent] = true
		}
	}
	var mounts []Mount
	for _, m := range lines {
		if covered[m.id] || len(mounts) >= 2000 {
			continue
		}
		options := m.options
		if m.super != "" {
			options += "," + m.super
		}
		mounts = append(mounts, Mount{
			Path: m.path, Device: m.device, Type: m.kind, Dev: m.dev, Options: options,
			ReadOnly: hasOption(m.options, "ro") || hasOption(m.super, "ro"),
		})
	}
	limit, cancel := context.WithTimeout(ctx, statfsLimit)
	defer cancel()
	var wait sync.WaitGroup
	turn := make(chan struct{}, 16)
	for i := range mounts {
		m := &mounts[i]
		if sizeless[m.Type] {
			continue
		}
		wait.Go(func() {
			select {
			case turn <- struct{}{}:
				defer func() { <-turn }()
			case <-limit.Done():
				m.Unread = errStuck.Error()
				return
			}
			l.usage(limit, m)
		})
	}
	wait.Wait()
	return mounts
}

// usage fills in one mount's numbers.
func (l *Live) usage(ctx context.Context, m *Mount) {
	type answer struct {
		fs  unix.Statfs_t
		st  unix.Stat_t
		err error
	}
	got := make(chan answer, 1)
	path := l.at(m.Path)
	err := l.limited(ctx, "mount "+m.Path, statfsLimit, func() {
		var a answer
		if a.err = unix.Statfs(path, &a.fs); a.err == nil {
			a.err = unix.Stat(path, &a.st)
		}
		got <- a
	})
	if err != nil {
		m.Unread = errStuck.Error()
		return
	}
	a := <-got
	switch {
	case errors.Is(a.err, unix.EACCES), errors.Is(a.err, unix.EPERM):
		m.Unread = "not permitted"
	case a.err != nil:
		m.Unread = a.err.Error()
	case a.fs.Bsize > 0:
		size := uint64(a.fs.Bsize)
		if a.fs.Frsize > 0 {
			size = uint64(a.fs.Frsize)
		}
		m.Total, m.Free, m.Available = a.fs.Blocks*size, a.fs.Bfree*size, a.fs.Bavail*size
		m.Inodes, m.InodesFree = a.fs.Files, a.fs.Ffree
		m.Dev = a.st.Dev
	}
}

func hasOption(options, name string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == name {
			return true
		}
	}
	return false
}
