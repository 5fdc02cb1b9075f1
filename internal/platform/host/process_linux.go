package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of one sample.
const (
	openFilesKept = 64
	linksEach     = 10_000 // descriptors of one process that are looked at
	linksAll      = 60_000 // and of all
)

// table reads the processes of a host.
type table struct {
	l       *Live
	proc    dir
	buf     []byte
	users   map[int]string
	uptime  float64
	links   int
	sockets map[uint64]int // inode -> pid
	groups  []membership
	unread  *unread
}

// membership is where a process is in the cgroup trees.
type membership struct {
	process int // index
	lines   []cgroupLine
}

func (t *table) read(ctx context.Context) ([]Process, error) {
	all, err := pids(t.proc)
	if err != nil {
		return nil, err
	}
	processes := make([]Process, 0, len(all))
	for _, pid := range all {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p, lines, ok := t.one(ctx, pid); ok {
			if len(lines) > 0 {
				t.groups = append(t.groups, membership{process: len(processes), lines: lines})
			}
			processes = append(processes, p)
		}
	}
	return processes, nil
}

// one reads one process; false: it vanished or is no process.
func (t *table) one(ctx context.Context, pid int) (Process, []cgroupLine, bool) {
	d, err := openDir(t.proc.fd, strconv.Itoa(pid), &t.buf)
	if err != nil {
		t.unread.add("all", err) // of too many open files
		return Process{}, nil, false
	}
	defer d.close()
	text, err := d.read("stat")
	if err != nil {
		t.unread.add("all", err)
		return Process{}, nil, false
	}
	p, err := parseStat(text)
	if err != nil || p.PID != pid {
		return Process{}, nil, false
	}
	p.Age = math.Round(max(0, t.uptime-float64(p.Started)/ticks)*100) / 100 // as fine as uptime is
	p.FDs = -1
	if text, err = d.read("status"); err != nil {
		return Process{}, nil, false
	}
	parseStatus(text, &p)
	p.User = cmp.Or(t.users[p.UID], strconv.Itoa(p.UID))
	var lines []cgroupLine
	if text, err = d.read("cgroup"); err == nil {
		lines = parseCgroupLines(text)
	}
	if p.State == "D" {
		if text, err = d.read("wchan"); err == nil && string(text) != "0" {
			p.WChan = clean(text)
		}
	}
	if p.Kernel {
		return p, lines, true
	}
	t.words(ctx, d, &p)
	if p.State != "Z" {
		t.owned(d, &p)
	}
	return p, lines, true
}

// words reads the command line. It waits for the memory map's lock, which a process that hangs in the kernel may hold.
func (t *table) words(ctx context.Context, d dir, p *Process) {
	if p.State != "D" {
		if text, err := d.read("cmdline"); err == nil {
			p.Cmdline = cmdline(text)
		}
		return
	}
	name := strconv.Itoa(p.PID) + "/cmdline"
	got := make(chan string, 1)
	_ = t.l.limited(ctx, t.l.proc+"/"+name, 50*time.Millisecond, func() {
		var own []byte
		again, err := openDir(unix.AT_FDCWD, t.l.proc, &own)
		if err != nil {
			return
		}
		defer again.close()
		if text, err := again.read(name); err == nil {
			got <- cmdline(text)
		}
	})
	select {
	case p.Cmdline = <-got:
	default:
	}
}

// owned reads what only the same user and root may.
func (t *table) owned(d dir, p *Process) {
	if text, err := d.read("limits"); err == nil {
		p.FDLimit = parseLimits(text)
	}
	if text, err := d.read("io"); err == nil {
		p.ReadBytes, p.WriteBytes = parseIO(text)
	} else {
		t.unread.add("bytes read and written", err)
	}
	var err error
	if p.Exe, err = d.link("exe"); err == nil {
		p.Exe = strings.TrimSuffix(p.Exe, deleted)
	}
	p.Dir, _ = d.link("cwd")
	if link, err := d.link("ns/net"); err == nil {
		p.NetNamespace = bracketed(link)
	}
	if link, err := d.link("ns/mnt"); err == nil {
		p.MountNamespace = bracketed(link)
	}
	t.descriptors(d, p)
}

const deleted = " (deleted)"

// descriptors counts open descriptors and sorts out sockets and files.
func (t *table) descriptors(d dir, p *Process) {
	fds, err := openDir(d.fd, "fd", &t.buf)
	if err != nil {
		t.unread.add("open files", err)
		return
	}
	defer fds.close()
	p.FDs = 0
	links := 0
	err = fds.names(func(name string) bool {
		fd, err := strconv.Atoi(name)
		if err != nil {
			return true
		}
		p.FDs++
		if links >= linksEach || t.links >= linksAll {
			return true
		}
		links++
		t.links++
		t.descriptor(fds, fd, name, p)
		return true
	})
	if err != nil && p.FDs == 0 {
		p.FDs = -1
		t.unread.add("open files", err)
		return
	}
	if p.FDs > links {
		t.unread.add("some open files", errMany)
	}
	slices.SortFunc(p.OpenFiles, func(a, b File) int { return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.FD, b.FD)) })
	if len(p.OpenFiles) > openFilesKept {
		p.OpenFiles = slices.Clone(p.OpenFiles[:openFilesKept])
	}
}

func (t *table) descriptor(fds dir, fd int, name string, p *Process) {
	target, err := fds.link(name)
	if err != nil {
		return
	}
	if strings.HasPrefix(target, "socket:[") {
		if inode := bracketed(target); inode != 0 {
			if _, ok := t.sockets[inode]; !ok {
				t.sockets[inode] = p.PID
			}
		}
		return
	}
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/dev/") && !strings.HasPrefix(target, "/dev/shm/") {
		return
	}
	// Without asking the server: that of a dead network mount never answers.
	var st unix.Statx_t
	if unix.Statx(fds.fd, name, unix.AT_STATX_DONT_SYNC, unix.STATX_BASIC_STATS, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	path, gone := strings.CutSuffix(target, deleted)
	gone = gone && st.Nlink == 0
	if !gone && st.Size < largeFile {
		return
	}
	if !gone {
		path = target
	}
	f := File{
		FD: fd, Path: path, Deleted: gone, Size: st.Size, Blocks: st.Blocks * 512,
		Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Inode: st.Ino,
	}
	var link unix.Stat_t
	if unix.Fstatat(fds.fd, name, &link, unix.AT_SYMLINK_NOFOLLOW) == nil {
		f.Writing = link.Mode&0o200 != 0
	}
	p.OpenFiles = append(p.OpenFiles, f)
}

// bracketed reads the number of "socket:[123]".
func bracketed(s string) uint64 {
	_, s, _ = strings.Cut(s, ":[")
	n, err := strconv.ParseUint(strings.TrimSuffix(s, "]"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

var errMany = errors.New("too many")

// unread sums up what could not be read, by kind and reason.
type unread struct {
	order  []string
	counts map[string]int
	root   bool
}

func (u *unread) add(what string, err error) {
	var reason string
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH):
		return // it vanished
	case errors.Is(err, fs.ErrPermission) && !u.root:
		reason = "not root"
	case errors.Is(err, fs.ErrPermission):
		reason = "not permitted"
	case errors.Is(err, errMany):
		reason = "too many"
	default:
		reason = err.Error()
	}
	key := what + "\x00" + reason
	if u.counts[key] == 0 {
		u.order = append(u.order, key)
	}
	u.counts[key]++
}

func (u *unread) texts() []string {
	var out []string
	for _, key := range u.order {
		what, reason, _ := strings.Cut(key, "\x00")
		processes := " processes: "
		if u.counts[key] == 1 {
			processes = " process: "
		}
		out = append(out, what+" of "+strconv.Itoa(u.counts[key])+processes+reason)
	}
	return out
}

// cmdline makes one line of the words of a command, cut at 200 bytes.
func cmdline(text []byte) string {
	if len(text) > 2*cmdlineBytes {
		text = text[:2*cmdlineBytes]
	}
	text = bytes.TrimRight(text, "\x00 ")
	return cut(clean(bytes.ReplaceAll(text, []byte{0}, []byte{' '})), cmdlineBytes)
}
