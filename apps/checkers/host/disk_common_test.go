package host_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// tree is a folder that stands for a host's root, with the live probe's eyes.
type tree struct {
	*host.Live
	sample *host.Sample
	root   string
	t      *testing.T
}

func newTree(t *testing.T) *tree {
	t.Helper()
	root := t.TempDir()
	return &tree{
		Live: host.New(host.Config{Root: root, Etc: filepath.Join(root, "etc")}), root: root, t: t,
		sample: &host.Sample{
			TakenAt: time.Now().UTC(), OS: "linux", Self: 7, Processes: []host.Process{{PID: 7, UID: 1000, User: "u"}},
			Mounts: []host.Mount{{Path: "/", Type: "ext4"}},
		},
	}
}

// Sample implements host.Probe.
func (tr *tree) Sample(context.Context) (*host.Sample, error) { return tr.sample, nil }

// file makes a file of so many KiB, changed so many days ago.
func (tr *tree) file(path string, kib, days int) {
	tr.t.Helper()
	full := filepath.Join(tr.root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(full, bytes.Repeat([]byte("x"), kib<<10), 0o600); err != nil {
		tr.t.Fatal(err)
	}
	at := time.Now().Add(-time.Duration(days)*24*time.Hour - time.Hour)
	if err := os.Chtimes(full, at, at); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) text(path, text string) {
	tr.t.Helper()
	tr.file(path, 0, 0)
	if err := os.WriteFile(filepath.Join(tr.root, path), []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

type list = []map[string]any

func TestDiskCommonTree(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000:U:/home/u:/bin/sh\n")
	tr.file("var/log/app/a.log", 3<<10, 0)
	tr.file("var/log/app/old/b.log", 2<<10, 40)
	tr.file("var/log/syslog", 2560, 0)
	tr.file("var/log/small.log", 900, 0)
	tr.file("elsewhere/large", 5<<10, 30)
	tr.file("home/u/.cache/pip/x", 4<<10, 0)
	tr.file("home/u/big.iso", 101<<10, 0)
	tr.file("home/u/deep/er/than/three/levels/big2.iso", 100<<10, 0)
	tr.file("home/u/mid.iso", 90<<10, 0)
	tr.file("tmp/old.bin", 2<<10, 10)
	tr.file("tmp/new.bin", 2<<10, 6)
	tr.file("tmp/old-small.bin", 1000, 10)
	tr.file("var/tmp/d/old2.bin", 1536, 8)
	for link, to := range map[string]string{"var/log/link": "elsewhere", "tmp/link": "elsewhere/large", "home/u/link": "elsewhere"} {
		if err := os.Symlink(filepath.Join(tr.root, to), filepath.Join(tr.root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(tr.root, "home/u/big.iso"), 300<<20); err != nil { // the rest is a hole and takes nothing
		t.Fatal(err)
	}
	r := checkertest.Run(t, hostchecks.DiskCommon{}, tr, "")
	want := map[string]any{
		"space_hogs": list{
			{"path": "/var/log/app", "size_mb": 5.0}, {"path": "/home/u/.cache/pip", "size_mb": 4.0}, {"path": "/var/log/syslog", "size_mb": 2.5},
		},
		"old_files": list{
			{"path": "/tmp/old.bin", "size_mb": 2.0, "age_days": 10}, {"path": "/var/tmp/d/old2.bin", "size_mb": 1.5, "age_days": 8},
		},
		"large_files": list{
			{"path": "/home/u/big.iso", "size_mb": 101.0}, {"path": "/home/u/deep/er/than/three/levels/big2.iso", "size_mb": 100.0},
		},
		"total_recoverable_mb": 216.0,
		"platform":             "linux",
		"recommendations": []string{
			"Move or delete large files at home that nobody needs (201 MB: 2 items, the largest /home/u/big.iso with 101 MB)",
			"Rotate and compress the logs, and see what writes so much: sudo logrotate -f /etc/logrotate.conf (8 MB: 2 items, the largest /var/log/app with 5 MB)",
			"Programs make caches again: delete those that are not needed, the largest first (4 MB: /home/u/.cache/pip)",
			"Look at the old temporary files, then put -delete for -print: find /tmp /var/tmp -xdev -type f -mtime +7 -size +1M -print (4 MB: 2 items, the largest /tmp/old.bin with 2 MB)",
		},
	}
	if diff := cmp.Diff(want, r.Metrics, cmp.Comparer(nearly)); diff != "" {
		t.Errorf("metrics -want +got:\n%s", diff)
	}
	if r.Status != checkers.OK || !strings.Contains(r.Message, "216 MB could be freed, most of it in /home/u/big.iso (101 MB)") {
		t.Errorf("%s: %s", r.Status, r.Message)
	}
	if r := checkertest.Run(t, hostchecks.DiskCommon{}, tr, `{"warning_threshold": 216, "critical_threshold": 230}`); r.Status != checkers.Warning {
		t.Errorf("216 MB of 216: %s", r.Status)
	}
	if r := checkertest.Run(t, hostchecks.DiskCommon{}, tr, `{"warning_threshold": 10, "critical_threshold": 215.9}`); r.Status != checkers.Critical {
		t.Errorf("216 MB of 215.9: %s", r.Status)
	}
}

// nearly lets folders themselves take some blocks.
func nearly(a, b float64) bool { return a-b < 0.15 && b-a < 0.15 }

// TestDiskCommonOnce: a home within /tmp, of which everything is seen by several steps.
func TestDiskCommonOnce(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.file("tmp/home/.cache/c/old", 3<<10, 20)
	tr.file("tmp/home/.cache/c/new", 2<<10, 0)
	tr.file("tmp/home/old-and-large", 100<<10, 20)
	tr.file("tmp/home/new-and-large", 100<<10, 0)
	for name, c := range map[string]struct {
		check  checkers.Checker
		config string
	}{
		"home of the process":     {hostchecks.DiskCommon{Home: "/tmp/home"}, ""},
		"home of the settings":    {hostchecks.DiskCommon{}, `{"homes": ["/tmp/home"]}`},
		"given twice":             {hostchecks.DiskCommon{}, `{"homes": ["/tmp/home", "/tmp/home/", "/tmp/../tmp/home"]}`},
		"settings over process's": {hostchecks.DiskCommon{Home: "/nowhere"}, `{"homes": "/tmp/home"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := checkertest.Run(t, c.check, tr, c.config).Metrics
			want := map[string]any{
				"space_hogs":  list{{"path": "/tmp/home/.cache/c", "size_mb": 5.0}},
				"old_files":   list{{"path": "/tmp/home/old-and-large", "size_mb": 100.0, "age_days": 20}},
				"large_files": list{{"path": "/tmp/home/new-and-large", "size_mb": 100.0}},
			}
			got := map[string]any{"space_hogs": m["space_hogs"], "old_files": m["old_files"], "large_files": m["large_files"]}
			if diff := cmp.Diff(want, got, cmp.Comparer(nearly)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if total, _ := m["total_recoverable_mb"].(float64); !nearly(total, 205) {
				t.Errorf("%v MB in all, want 205", total)
			}
		})
	}
}

func TestDiskCommonHomes(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	home := func(path string) *host.Walk {
		return &host.Walk{Root: path, Large: []host.FileInfo{{Path: path + "/f", Size: 200 * mb}}}
	}
	for name, tt := range map[string]struct {
		host *checkertest.Host
		want []string
	}{
		"root sees everybody's": {
			&checkertest.Host{
				Samples: []*host.Sample{{OS: "linux", Root: true, Mounts: []host.Mount{{Path: "/", Type: "ext4"}, {Path: "/home/far", Type: "nfs4"}}}},
				Files:   map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/sh\n"},
				Lists:   map[string][]string{"/home": {"a", "b", "far"}},
				Walks:   map[string]*host.Walk{"/root": home("/root"), "/home/a": home("/home/a"), "/home/b": home("/home/b"), "/home/far": home("/home/far")},
			},
			[]string{"/home/a/f", "/home/b/f", "/root/f"},
		},
		"others see their own": {
			&checkertest.Host{
				Samples: []*host.Sample{{OS: "linux", Self: 3, Processes: []host.Process{{PID: 1}, {PID: 3, UID: 5}}}},
				Files:   map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/sh\nshort:line\nx:x:5:5::/srv/x/:/bin/sh\n"},
				Lists:   map[string][]string{"/home": {"a"}},
				Walks:   map[string]*host.Walk{"/root": home("/root"), "/home/a": home("/home/a"), "/srv/x": home("/srv/x")},
			},
			[]string{"/srv/x/f"},
		},
		"macOS": {
			&checkertest.Host{
				Samples: []*host.Sample{{OS: "darwin", Self: 3, Processes: []host.Process{{PID: 3, UID: 501, User: "eve"}}}},
				Walks:   map[string]*host.Walk{"/Users/eve": home("/Users/eve"), "/Users/adam": home("/Users/adam")},
			},
			[]string{"/Users/eve/f"},
		},
		"a user of no folder": {
			&checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}, Walks: map[string]*host.Walk{"/": home("/")}}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			files, _ := checkertest.Run(t, hostchecks.DiskCommon{}, tt.host, "").Metrics["large_files"].(list)
			for _, f := range files {
				got = append(got, f["path"].(string))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// slow is a host with one folder that takes for ever.
type slow struct {
	*checkertest.Host
	at    string
	heeds bool // its walk ends when it is told to
}

func (s *slow) Walk(ctx context.Context, root string, o host.WalkOptions) (*host.Walk, error) {
	if root != s.at {
		return s.Host.Walk(ctx, root, o)
	}
	if s.heeds {
		select {
		case <-time.After(o.Time):
		case <-ctx.Done():
		}
		return &host.Walk{Root: root, Cut: "time is over", Large: []host.FileInfo{{Path: root + "/half", Size: 7 << 20}}}, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestDiskCommonTime(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"a walk that says what it found": true, "a walk that hangs": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &slow{at: "/var/log", heeds: heeds, Host: &checkertest.Host{
					Samples: []*host.Sample{{OS: "linux"}},
					Walks: map[string]*host.Walk{
						"/tmp": {Root: "/tmp", Old: []host.FileInfo{{Path: "/tmp/x", Size: 3 << 20}}},
					},
				}}
				begun := time.Now()
				r := checkertest.Run(t, hostchecks.DiskCommon{}, h, `{"timeout": 5}`)
				if took := time.Since(begun); took >= 5*time.Second {
					t.Errorf("took %s of 5 s", took)
				}
				if r.Status != checkers.OK || !strings.Contains(r.Message, "the time was not enough for /var/log") {
					t.Errorf("%s: %s", r.Status, r.Message)
				}
				want := 10.0
				if !heeds {
					want = 0 // the others were not begun
				}
				if got := r.Metrics["total_recoverable_mb"]; got != want {
					t.Errorf("%v MB, want %v", got, want)
				}
			})
		})
	}
}

// closed is a host whose folders may not be read.
type closed struct{ *checkertest.Host }

func (closed) Walk(context.Context, string, host.WalkOptions) (*host.Walk, error) {
	return nil, fs.ErrPermission
}

func TestDiskCommonUnreadable(t *testing.T) {
	t.Parallel()
	h := &checkertest.Host{
		Samples: []*host.Sample{{OS: "linux"}},
		Walks:   map[string]*host.Walk{"/tmp": {Root: "/tmp", Unread: 4, Old: []host.FileInfo{{Path: "/tmp/x", Size: 3 << 20}}}},
	}
	if r := checkertest.Run(t, hostchecks.DiskCommon{}, h, ""); r.Status != checkers.OK || r.Metrics["unreadable"] != 4 || r.Metrics["total_recoverable_mb"] != 3.0 {
		t.Errorf("%+v", r)
	}
	if r := checkertest.Run(t, hostchecks.DiskCommon{}, closed{h}, ""); r.Status != checkers.OK || r.Metrics["unreadable"] != 3 || r.Metrics["total_recoverable_mb"] != 0.0 {
		t.Errorf("%+v", r)
	}
	for _, config := range []string{`{"homes": ["relative"]}`, `{"home": "/root"}`, `{"homes": 5}`} {
		if r := checkertest.Run(t, hostchecks.DiskCommon{}, h, config); r.Status != checkers.Unknown || !strings.Contains(r.Message, "home") {
			t.Errorf("%s: %s: %s", config, r.Status, r.Message)
		}
	}
}
