package host_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestDiskLinuxTree(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.file("var/cache/apt/archives/a.deb", 6<<10, 0)
	tr.file("var/log/journal/0123/system.journal", 8<<10, 0)
	tr.file("var/lib/docker/overlay2/l/layer", 9<<10, 0)
	tr.file("var/lib/snapd/snaps/core_1.snap", 500, 0)
	tr.file("srv/www/dump.sql", 102<<10, 0)
	tr.file("opt/app/lib.so", 20<<10, 0)
	r := checkertest.Run(t, hostchecks.DiskLinux{}, tr, "")
	want := map[string]any{
		"space_hogs": list{
			{"path": "/var/lib/docker", "size_mb": 9.0}, {"path": "/var/log/journal", "size_mb": 8.0}, {"path": "/var/cache/apt", "size_mb": 6.0},
		},
		"old_files": list{}, "large_files": list{{"path": "/srv/www/dump.sql", "size_mb": 102.0}},
		"total_recoverable_mb": 125.0, "platform": "linux",
		"recommendations": []string{
			"Move or delete large files in /srv and /opt that nobody needs (102 MB: /srv/www/dump.sql)",
			"See what images, containers and volumes take (docker system df), then remove what is unused: docker system prune (9 MB: /var/lib/docker)",
			"Shorten the journal, and set SystemMaxUse in /etc/systemd/journald.conf: sudo journalctl --vacuum-size=500M (8 MB: /var/log/journal)",
			"Empty apt's cache: sudo apt-get clean (6 MB: /var/cache/apt)",
		},
	}
	if diff := cmp.Diff(want, r.Metrics, cmp.Comparer(nearly)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDiskLinuxPlaces: each place leads to its own advice, and to no other.
func TestDiskLinuxPlaces(t *testing.T) {
	t.Parallel()
	for path, word := range map[string]string{
		"/var/cache/apt": "apt-get clean", "/var/cache/dnf": "dnf clean all", "/var/cache/libdnf5": "dnf clean all", "/var/cache/yum": "yum clean all",
		"/var/cache/pacman/pkg": "paccache", "/var/cache/zypp": "zypper clean", "/var/log/journal": "journalctl", "/run/log/journal": "journalctl",
		"/var/lib/docker": "docker system prune", "/var/lib/containerd": "crictl rmi", "/var/lib/containers": "podman system prune",
		"/var/lib/snapd": "snap set system",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			h := &checkertest.Host{
				Samples: []*host.Sample{{OS: "linux"}},
				Walks:   map[string]*host.Walk{path: {Root: path, Size: 6000 << 20}},
			}
			r := checkertest.Run(t, hostchecks.DiskLinux{}, h, "")
			advice, _ := r.Metrics["recommendations"].([]string)
			if r.Status != checkers.Warning || len(advice) != 1 || !strings.Contains(advice[0], word) || !strings.Contains(r.Message, path) {
				t.Errorf("%s: %s: %q, want %q", r.Status, r.Message, advice, word)
			}
			h.Walks[path].Size = 20000 << 20
			if r := checkertest.Run(t, hostchecks.DiskLinux{}, h, ""); r.Status != checkers.Critical {
				t.Errorf("20000 MB are %s", r.Status)
			}
		})
	}
	h := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}, Walks: map[string]*host.Walk{"/var/lib/docker": {Root: "/var/lib/docker", Size: 1<<20 - 1}}}
	r := checkertest.Run(t, hostchecks.DiskLinux{}, h, "")
	if r.Status != checkers.OK || r.Metrics["total_recoverable_mb"] != 0.0 || r.Message != "nothing of 1 MB or more to free" {
		t.Errorf("less than 1 MB: %+v", r)
	}
}

func TestDiskElsewhere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check checkers.Checker
		os    string
		skip  bool
	}{
		"linux on linux":  {hostchecks.DiskLinux{}, "linux", false},
		"linux on macOS":  {hostchecks.DiskLinux{}, "darwin", true},
		"macOS on linux":  {hostchecks.DiskMacOS{}, "linux", true},
		"macOS on macOS":  {hostchecks.DiskMacOS{}, "darwin", false},
		"common on macOS": {hostchecks.DiskCommon{}, "darwin", false},
		"RAID on macOS":   {hostchecks.RAID{}, "darwin", true},
		"reboot on macOS": {hostchecks.RebootDebian{}, "darwin", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, tt.check, &checkertest.Host{Samples: []*host.Sample{{OS: tt.os}}}, "")
			if r.Status != checkers.OK || r.Skipped != tt.skip || strings.Contains(r.Message, "skipped") != tt.skip {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestDiskMacOS(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	dir := func(root string, sizes ...uint64) *host.Walk {
		w := &host.Walk{Root: root, Dirs: []host.Directory{{Path: root, Size: 1 << 40}}}
		for i, mb := range sizes {
			w.Dirs = append(w.Dirs, host.Directory{Path: root + "/" + string(rune('a'+i)), Size: mb << 20})
		}
		return w
	}
	downloads := &host.Walk{Root: "/Users/eve/Downloads", Old: []host.FileInfo{{Path: "/Users/eve/Downloads/x.dmg", Size: 900 << 20, ModifiedAt: now.Add(-45 * 24 * time.Hour)}}}
	h := &checkertest.Host{
		Samples: []*host.Sample{{TakenAt: now, OS: "darwin", Self: 1, Processes: []host.Process{{PID: 1, UID: 501, User: "eve"}}}},
		Walks: map[string]*host.Walk{
			"/Users/eve/Library/Caches":                      dir("/Users/eve/Library/Caches", 300, 100),
			"/Users/eve/Library/Logs":                        dir("/Users/eve/Library/Logs", 50),
			"/Users/eve/Library/Developer/Xcode/DerivedData": dir("/Users/eve/Library/Developer/Xcode/DerivedData", 4000),
			"/Users/eve/Downloads":                           downloads,
			"/Library/Logs":                                  dir("/Library/Logs", 10),
		},
	}
	r := checkertest.Run(t, hostchecks.DiskMacOS{}, h, "")
	advice, _ := r.Metrics["recommendations"].([]string)
	words := []string{"Xcode", "downloads", "caches", "logs"}
	if len(advice) != len(words) {
		t.Fatalf("%q", advice)
	}
	for i, word := range words {
		if !strings.Contains(advice[i], word) || strings.Contains(advice[i], "logrotate") {
			t.Errorf("%q, want %q", advice[i], word)
		}
	}
	delete(r.Metrics, "recommendations")
	want := map[string]any{
		"space_hogs": list{
			{"path": "/Users/eve/Library/Developer/Xcode/DerivedData/a", "size_mb": 4000.0},
			{"path": "/Users/eve/Library/Caches/a", "size_mb": 300.0},
			{"path": "/Users/eve/Library/Caches/b", "size_mb": 100.0},
			{"path": "/Users/eve/Library/Logs/a", "size_mb": 50.0},
			{"path": "/Library/Logs/a", "size_mb": 10.0},
		},
		"old_files": list{{"path": "/Users/eve/Downloads/x.dmg", "size_mb": 900.0, "age_days": 45}}, "large_files": list{},
		"total_recoverable_mb": 5360.0, "platform": "darwin",
	}
	if diff := cmp.Diff(want, r.Metrics); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r.Status != checkers.Warning {
		t.Errorf("5360 MB are %s", r.Status)
	}
}

// TestDiskLists: the lists have their end, the sum does not.
func TestDiskLists(t *testing.T) {
	t.Parallel()
	w := &host.Walk{Root: "/var/log"}
	for i := range 300 {
		w.Large = append(w.Large, host.FileInfo{Path: "/var/log/" + strings.Repeat("x", i+1), Size: uint64(i+1) << 20})
	}
	slices.Reverse(w.Large[:150]) // whatever the order
	h := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}, Walks: map[string]*host.Walk{"/var/log": w}}
	m := checkertest.Run(t, hostchecks.DiskCommon{}, h, "").Metrics
	hogs, _ := m["space_hogs"].(list)
	if len(hogs) != 50 || hogs[0]["size_mb"] != 300.0 || hogs[49]["size_mb"] != 251.0 || m["total_recoverable_mb"] != float64(300*301/2) {
		t.Errorf("%d items, first %v, last %v, %v in all", len(hogs), hogs[0], hogs[len(hogs)-1], m["total_recoverable_mb"])
	}
}
