package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// largeFile is the size from which on an open file, and by default one of a walk, is worth to be named.
const largeFile = 1 << 20

// Defaults of WalkOptions.
const (
	walkDepth   = 3
	walkEntries = 200_000
	walkTime    = 5 * time.Second
	walkTop     = 20
	oldListed   = 1 << 20
)

func (o *WalkOptions) defaults() {
	o.Depth, o.Entries, o.Time = cmp.Or(o.Depth, walkDepth), cmp.Or(o.Entries, walkEntries), cmp.Or(o.Time, walkTime)
	o.Top, o.LargeFrom = cmp.Or(o.Top, walkTop), cmp.Or(o.LargeFrom, largeFile)
}

// Walk implements Probe. It goes level by level, so that what a limit cuts off is what lies deepest. Crowded names directories of any depth.
// Directories that another file system is mounted on are not even asked for their size: a dead one would not answer. At most two walks are
// under way at a time; the others wait.
func (l *Live) Walk(ctx context.Context, root string, o WalkOptions) (*Walk, error) {
	o.defaults()
	if root = filepath.Clean(root); !filepath.IsAbs(root) {
		return nil, fmt.Errorf("walk %s: not an absolute path", root)
	}
	select {
	case l.walks <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("walk %s: wait for other walks: %w", root, ctx.Err())
	}
	type answer struct {
		walk *Walk
		err  error
	}
	got := make(chan answer, 1)
	limit, cancel := context.WithTimeout(ctx, o.Time+time.Second)
	go func() {
		defer func() { <-l.walks }()
		w := walker{ctx: limit, o: o, now: l.clock.Now(), watch: clock.Start(), links: map[link]struct{}{}}
		walk, err := w.run(root, l.at(root), l.mountPoints(limit))
		got <- answer{walk, err}
	}()
	defer cancel()
	select {
	case a := <-got:
		return a.walk, a.err
	case <-limit.Done():
	}
	select { // it looks at ctx now and then
	case a := <-got:
		return a.walk, a.err
	case <-time.After(time.Second):
		return nil, fmt.Errorf("walk %s: %w", root, errStuck)
	}
}

// node is a directory of a walk. Its parent has a smaller index.
type node struct {
	parent, depth, own, entries int
	name                        string // the root's: its path
	size, old                   uint64
}

type link struct{ dev, inode uint64 }

type walker struct {
	ctx   context.Context //nolint:containedctx // one walk is one call
	o     WalkOptions
	now   time.Time
	watch clock.Stopwatch
	links map[link]struct{} // files with several names that were counted
	nodes []node
	real  string // where the root is for this process
	dev   uint64
	skip  map[string]map[string]bool // by directory and name
	large top[FileInfo]
	old   top[FileInfo]
	walk  Walk
}

func (w *walker) run(root, at string, mounted map[string]bool) (*Walk, error) {
	if to, err := filepath.EvalSymlinks(at); err == nil && root == at {
		root, at = to, to
	}
	st, err := os.Lstat(at)
	if err != nil {
		return nil, fmt.Errorf("walk %s: %w", root, err)
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("walk %s: not a directory", root)
	}
	info := infoOf(st)
	w.real, w.dev = at, info.dev
	w.skip = map[string]map[string]bool{}
	for path := range mounted {
		w.leaveOut(path)
	}
	for _, path := range w.o.Skip {
		w.leaveOut(filepath.Clean(path))
	}
	bySize := func(a, b FileInfo) int { return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Path, b.Path)) }
	w.large, w.old = top[FileInfo]{n: w.o.Top, order: bySize}, top[FileInfo]{n: w.o.Top, order: bySize}
	w.nodes = append(w.nodes, node{parent: -1, name: root, size: info.allocated})
	for i := 0; i < len(w.nodes) && w.walk.Cut == ""; i++ {
		if i%64 == 0 && w.late() {
			break
		}
		w.directory(i)
	}
	w.sum()
	w.walk.Took = w.watch.Elapsed()
	return &w.walk, nil
}

func (w *walker) leaveOut(path string) {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	if w.skip[dir] == nil {
		w.skip[dir] = map[string]bool{}
	}
	w.skip[dir][name] = true
}

// path is a directory's path on the host.
func (w *walker) path(i int) string {
	var names []string
	for ; i > 0; i = w.nodes[i].parent {
		names = append(names, w.nodes[i].name)
	}
	names = append(names, w.nodes[0].name)
	slices.Reverse(names)
	return filepath.Join(names...)
}

// found is one entry of a directory.
type found struct {
	fileInfo
	dir, regular bool
	modified     int64 // seconds since 1970
}

func (w *walker) directory(i int) {
	path := w.path(i)
	at := w.real + strings.TrimPrefix(path, w.nodes[0].name)
	if w.nodes[0].name == string(filepath.Separator) {
		at = filepath.Join(w.real, path)
	}
	skip := w.skip[path]
	err := each(at, func(name string) bool { return skip[name] }, func(name string, f found) bool {
		if w.over() {
			return false
		}
		w.entry(i, path, name, f)
		return true
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.walk.Unread++
	}
}

// over says whether a limit is reached.
func (w *walker) over() bool {
	if w.walk.Entries >= w.o.Entries {
		w.walk.Cut = thousands(w.o.Entries) + " entries"
		return true
	}
	return w.walk.Entries%64 == 0 && w.late()
}

func (w *walker) late() bool {
	switch {
	case w.watch.Elapsed() >= w.o.Time:
		w.walk.Cut = strconv.FormatFloat(w.o.Time.Seconds(), 'g', 3, 64) + " s are over"
	case w.ctx.Err() != nil:
		w.walk.Cut = "it was stopped"
	}
	return w.walk.Cut != ""
}

func (w *walker) entry(i int, dir, name string, f found) {
	if f.dir && f.dev != w.dev {
		return
	}
	n := &w.nodes[i]
	n.own++
	n.entries++
	w.walk.Entries++
	if f.links > 1 && !f.dir {
		l := link{f.dev, f.inode}
		if _, ok := w.links[l]; ok {
			return
		}
		w.links[l] = struct{}{}
	}
	if f.dir {
		w.nodes = append(w.nodes, node{parent: i, depth: n.depth + 1, name: name, size: f.allocated})
		return
	}
	n.size += f.allocated
	if !f.regular {
		return
	}
	large, old := f.allocated >= w.o.LargeFrom, w.o.OldFrom > 0 && w.now.Unix()-f.modified >= int64(w.o.OldFrom.Seconds())
	if old {
		n.old += f.allocated
		w.walk.OldSize += f.allocated
		w.walk.OldN++
	}
	if large || old && f.allocated >= oldListed {
		file := FileInfo{Path: filepath.Join(dir, name), Size: f.allocated, ModifiedAt: time.Unix(f.modified, 0).UTC()}
		if large {
			w.large.add(file)
		}
		if old && f.allocated >= oldListed {
			w.old.add(file)
		}
	}
}

// sum adds each directory to its parent, deepest first, and makes the lists.
func (w *walker) sum() {
	type ranked struct {
		i int
		n uint64
	}
	order := func(a, b ranked) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.i, b.i)) }
	dirs, crowded := top[ranked]{n: w.o.Top, order: order}, top[ranked]{n: w.o.Top, order: order}
	for _, n := range slices.Backward(w.nodes) {
		if n.parent >= 0 {
			p := &w.nodes[n.parent]
			p.size, p.entries, p.old = p.size+n.size, p.entries+n.entries, p.old+n.old
		}
	}
	for i, n := range w.nodes {
		if n.depth <= w.o.Depth {
			dirs.add(ranked{i, n.size})
		}
		if n.own > 0 {
			crowded.add(ranked{i, uint64(n.own)})
		}
	}
	list := func(of []ranked) []Directory {
		var all []Directory
		for _, r := range of {
			n := w.nodes[r.i]
			all = append(all, Directory{Path: w.path(r.i), Size: n.size, Entries: n.entries, Own: n.own, OldSize: n.old})
		}
		return all
	}
	w.walk.Root, w.walk.Size = w.nodes[0].name, w.nodes[0].size
	w.walk.Dirs, w.walk.Crowded = list(dirs.sorted()), list(crowded.sorted())
	w.walk.Large, w.walk.Old = w.large.sorted(), w.old.sorted()
}

// top keeps the first n of many by order.
type top[T any] struct {
	n     int
	order func(a, b T) int
	items []T
}

func (t *top[T]) add(item T) {
	if t.items = append(t.items, item); len(t.items) >= 4*max(t.n, 16) {
		t.sorted()
	}
}

func (t *top[T]) sorted() []T {
	slices.SortFunc(t.items, t.order)
	t.items = t.items[:min(len(t.items), max(t.n, 0))]
	return t.items
}

// thousands writes 200000 as 200,000.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
