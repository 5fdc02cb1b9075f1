package host_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// litter makes a directory: a/b/c/d/deep (2 MiB), a/x with 30 small files, old.log (1 MiB, a month old), a link to it and a hard link, a file
// of holes, and a link that leads out.
func litter(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, n int) {
		make1(t, filepath.Join(root, name), func(at string) error { return os.WriteFile(at, make([]byte, n), 0o600) })
	}
	put("a/b/c/d/deep", 2<<20)
	put("old.log", 1<<20)
	for i := range 30 {
		put("a/x/"+strconv.Itoa(i), 10)
	}
	month := time.Now().Add(-31 * 24 * time.Hour)
	for _, err := range []error{
		os.Chtimes(filepath.Join(root, "old.log"), month, month),
		os.Link(filepath.Join(root, "old.log"), filepath.Join(root, "again.log")),
		os.Symlink("old.log", filepath.Join(root, "link.log")),
		os.Symlink("/usr", filepath.Join(root, "out")),
		os.WriteFile(filepath.Join(root, "holes"), nil, 0o600),
		os.Truncate(filepath.Join(root, "holes"), 1<<30),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func walk(t *testing.T, root string, o host.WalkOptions) *host.Walk {
	t.Helper()
	w, err := host.New(host.Config{}).Walk(t.Context(), root, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWalk(t *testing.T) {
	t.Parallel()
	root := litter(t)
	w := walk(t, root, host.WalkOptions{Depth: 2, OldFrom: 30 * 24 * time.Hour})
	rel := func(path string) string { return strings.TrimPrefix(path, root) }
	var dirs []string
	for _, d := range w.Dirs {
		dirs = append(dirs, rel(d.Path))
	}
	if diff := cmp.Diff([]string{"", "/a", "/a/b", "/a/x"}, dirs); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
	if d := w.Dirs[2]; d.Size < 2<<20 || d.Entries != 3 || d.Own != 1 {
		t.Errorf("a/b with what is deeper: %+v", d)
	}
	if c := w.Crowded[0]; rel(c.Path) != "/a/x" || c.Own != 30 {
		t.Errorf("most crowded: %+v", c)
	}
	if len(w.Large) != 2 || rel(w.Large[0].Path) != "/a/b/c/d/deep" || w.Large[0].Size < 2<<20 {
		t.Errorf("large files: %+v", w.Large)
	}
	if len(w.Old) != 1 || w.OldN != 1 || w.OldSize != w.Old[0].Size || w.Dirs[0].OldSize != w.OldSize || w.OldSize < 1<<20 {
		t.Errorf("old files: %+v, %d of %d bytes", w.Old, w.OldN, w.OldSize)
	}
	if w.Cut != "" || w.Unread != 0 || w.Entries != 41 || w.Root != root {
		t.Errorf("walk %+v", w)
	}
}

func TestWalkAgreesWithDu(t *testing.T) {
	t.Parallel()
	root := litter(t)
	out, err := exec.CommandContext(t.Context(), "du", "-s", "-x", "-B1", root).Output()
	if err != nil {
		t.Skip(err)
	}
	want, err := strconv.ParseUint(strings.Fields(string(out))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if got := walk(t, root, host.WalkOptions{}).Size; got != want {
		t.Errorf("%d bytes, du says %d", got, want)
	}
}

func TestWalkLimits(t *testing.T) {
	t.Parallel()
	root := litter(t)
	for name, tt := range map[string]struct {
		o    host.WalkOptions
		want string
	}{
		"entries": {host.WalkOptions{Entries: 10}, "10 entries"},
		"time":    {host.WalkOptions{Time: time.Nanosecond}, "1e-09 s are over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := walk(t, root, tt.o)
			if w.Cut != tt.want || w.Entries > 10 {
				t.Errorf("%d entries, cut %q, want %q", w.Entries, w.Cut, tt.want)
			}
		})
	}
	t.Run("skip", func(t *testing.T) {
		t.Parallel()
		w := walk(t, root, host.WalkOptions{Skip: []string{filepath.Join(root, "a")}})
		if slices.ContainsFunc(w.Dirs, func(d host.Directory) bool { return d.Path != root }) || w.Size > 2<<20 {
			t.Errorf("%+v", w)
		}
	})
	t.Run("level by level", func(t *testing.T) {
		t.Parallel()
		w := walk(t, root, host.WalkOptions{Entries: 7, OldFrom: time.Hour})
		if w.OldN != 1 {
			t.Errorf("a file beside a deep tree was not reached: %+v", w)
		}
	})
}

func TestWalkErrors(t *testing.T) {
	t.Parallel()
	p := host.New(host.Config{})
	if _, err := p.Walk(t.Context(), filepath.Join(t.TempDir(), "none"), host.WalkOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Walk(t.Context(), file, host.WalkOptions{}); err == nil {
		t.Error("a file was walked")
	}
	if _, err := p.Walk(t.Context(), "relative", host.WalkOptions{}); err == nil {
		t.Error("a relative path was walked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if w, err := p.Walk(ctx, t.TempDir(), host.WalkOptions{}); err == nil && w.Cut == "" {
		t.Error("a walk without time was whole")
	}
}
