package local

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

const (
	walkTime    = 3000 * time.Millisecond // of all walks of one detector
	walkEntries = 200_000                 // of all walks of one detector
	mountWalk   = 120_000                 // of one walk of a file system
	scanWalk    = 50_000                  // of one walk of a directory
	walkDepth   = 8
	walkTop     = 60
)

// defaultScan is where space is lost on most hosts.
var defaultScan = []string{"/var/log", "/tmp", "/var/tmp", "~/.cache", "/var/cache"}

// scanPaths are the operator's, or the usual ones, without doubles. "~" is the home of whoever runs the hub.
func scanPaths(l *look) []string {
	list := l.req.Options.ScanPaths
	if len(list) == 0 {
		list = defaultScan
	}
	var out []string
	for _, p := range list {
		if rest, ok := strings.CutPrefix(p, "~"); ok {
			home := homeDir(l)
			if home == "" {
				continue
			}
			p = home + rest
		}
		if p = path.Clean(p); path.IsAbs(p) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// homeDir is the home of the user that the hub runs as: /root, or where most hosts have it.
func homeDir(l *look) string {
	for i := range l.b.Processes {
		p := &l.b.Processes[i]
		switch {
		case p.PID != l.b.Self:
		case p.UID == 0:
			return "/root"
		case p.User != "" && !strings.ContainsAny(p.User, "/."):
			return "/home/" + p.User
		}
	}
	return ""
}

// forest walks several roots under one budget of time and entries, each root once.
type forest struct {
	l     *look
	left  int                   // entries
	walks map[string]*host.Walk // nil: it was tried
	order []string
}

func newForest(l *look) *forest {
	return &forest{l: l, left: walkEntries, walks: map[string]*host.Walk{}}
}

// walk sums up a directory, or is nil: it cannot be read, or nothing of the budget is left.
func (f *forest) walk(ctx context.Context, root string) *host.Walk {
	if w, ok := f.walks[root]; ok {
		return w
	}
	for _, done := range f.order { // what holds it was walked to the end: nothing new
		w := f.walks[done]
		if w != nil && w.Cut == "" && under(root, w.Root) && sameDevice(f.l, root, w.Root) {
			return nil
		}
	}
	f.walks[root] = nil
	f.order = append(f.order, root)
	if f.left <= 0 || ctx.Err() != nil {
		f.l.missed("directories below %s: the time for walks was over", root)
		return nil
	}
	entries := scanWalk
	if slices.ContainsFunc(f.l.b.Mounts, func(m host.Mount) bool { return m.Path == root }) {
		entries = mountWalk
	}
	o := host.WalkOptions{Depth: walkDepth, Entries: entries, Time: walkTime, Top: walkTop, OldFrom: time.Duration(oldDays(f.l)) * 24 * time.Hour}
	w, err := f.l.walk(ctx, root, o)
	if err != nil {
		return nil
	}
	f.left -= w.Entries
	f.walks[root] = w
	if w.Unread > 0 {
		f.l.missed("%d directories below %s: not allowed", w.Unread, root)
	}
	if w.Cut != "" {
		f.l.missed("all of %s: %s", root, w.Cut)
	}
	return w
}

func sameDevice(l *look, p, q string) bool {
	m, n := mountOf(l.b, p), mountOf(l.b, q)
	return m == nil || n == nil || m.Path == n.Path
}

// weight is what counts of a directory: bytes, entries, old bytes.
type weight func(*host.Directory) float64

func bySize(d *host.Directory) float64    { return float64(d.Size) }
func byEntries(d *host.Directory) float64 { return float64(d.Entries) }
func byOld(d *host.Directory) float64     { return float64(d.OldSize) }

// heart is that of a walk, once for all who share it; name says what is weighed.
func (v *view) heart(ctx context.Context, w *host.Walk, name string, of weight) *host.Directory {
	d, _ := remember(context.WithoutCancel(ctx), &v.probed, fmt.Sprintf("heart %s %p", name, w), func() *host.Directory { return heart(w, of) })
	return d
}

// heart is the deepest directory that still holds most of the weight of the one above it: the one to blame. At the root of the walk a third
// is enough when nothing comes near it; below, three fifths. It is nil when no directory stands out.
func heart(w *host.Walk, of weight) *host.Directory {
	var dirs []host.Directory
	seen := map[string]bool{w.Root: true}
	for _, list := range [][]host.Directory{w.Dirs, w.Crowded} {
		for _, d := range list {
			if !seen[d.Path] && of(&d) > 0 {
				seen[d.Path] = true
				dirs = append(dirs, d)
			}
		}
	}
	slices.SortStableFunc(dirs, func(x, y host.Directory) int {
		return cmp.Or(cmp.Compare(of(&y), of(&x)), cmp.Compare(x.Path, y.Path))
	})
	total := of(&host.Directory{Size: w.Size, Entries: w.Entries, OldSize: w.OldSize})
	cur := &host.Directory{Path: w.Root, Size: w.Size, Entries: w.Entries, OldSize: w.OldSize}
	for {
		var first, second *host.Directory
		for i := range dirs {
			if dirs[i].Path == cur.Path || !under(dirs[i].Path, cur.Path) || first != nil && under(dirs[i].Path, first.Path) {
				continue
			}
			if first == nil {
				first = &dirs[i]
			} else {
				second = &dirs[i]
				break
			}
		}
		least := .6
		if cur.Path == w.Root {
			least = .34
		}
		if first == nil || of(first) < least*of(cur) || least < .5 && second != nil && of(second) > .75*of(first) {
			break
		}
		cur = first
	}
	if cur.Path == w.Root || total <= 0 {
		return nil
	}
	return cur
}

// biggest is the largest file of a walk at or below dir, or nil.
func biggest(w *host.Walk, dir string) *host.FileInfo {
	for i := range w.Large {
		if under(w.Large[i].Path, dir) {
			return &w.Large[i]
		}
	}
	return nil
}

// logLike reports whether a path looks like one of logs.
func logLike(p string) bool {
	parts := strings.Split(strings.ToLower(p), "/")
	for i, s := range parts {
		if i == len(parts)-1 {
			break
		}
		if s == "log" || s == "logs" || s == "journal" || strings.HasSuffix(s, "-logs") || strings.HasSuffix(s, "_logs") || strings.HasSuffix(s, ".log") {
			return true
		}
	}
	return logName(parts[len(parts)-1])
}

// logName reports whether a file is called like a log: app.log, app.log.3.gz, app.log-20260101, stdout.out.
func logName(s string) bool {
	s = strings.ToLower(s)
	return strings.HasSuffix(s, ".log") || strings.Contains(s, ".log.") || strings.Contains(s, ".log-") || strings.HasSuffix(s, ".journal") ||
		s == "syslog" || strings.HasPrefix(s, "syslog.") || strings.HasPrefix(s, "messages-") || strings.HasSuffix(s, ".err") || strings.HasSuffix(s, ".out")
}
