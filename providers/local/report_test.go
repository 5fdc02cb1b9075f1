package local

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

func TestMemoryReport(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		available uint64
		want      string
	}{
		"low":      {5 << 30, providers.Low},
		"medium":   {2 << 30, providers.Medium},
		"high":     {1<<30 + 200<<20, providers.High},
		"critical": {700 << 20, providers.Critical},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := madeUp(func(s *host.Sample, _ bool) {
				s.Memory.Available = tt.available
				withProcess(s, host.Process{PID: 50, Name: "java", Cmdline: "java -jar shop.jar --password=hunter2secret " + strings.Repeat("x", 300), RSS: 1 << 30})
				withProcess(s, host.Process{PID: 51, Name: "tiny", RSS: 1 << 20})
				withProcess(s, host.Process{PID: 52, Name: "kworker", RSS: 1 << 30, Kernel: true})
			})
			r := analyzed(t, rec, &providers.Request{Kind: providers.Memory, Options: providers.Options{TopProcesses: 2}})
			if len(r.Recommendations) != 1 {
				t.Fatalf("%d recommendations, want 1", len(r.Recommendations))
			}
			x := r.Recommendations[0]
			if x.Type != providers.Memory || x.Priority != tt.want || x.Title != "High Memory Usage Detected" || len(x.Actions) != 4 || !strings.Contains(x.Actions[0], "java") {
				t.Errorf("got %s %s %q, actions %q", x.Type, x.Priority, x.Title, x.Actions)
			}
			top, ok := x.Details["top_processes"].([]map[string]any)
			if !ok || len(top) != 2 {
				t.Fatalf("top_processes = %v", x.Details["top_processes"])
			}
			line, _ := top[0]["cmdline"].(string)
			delete(top[0], "cmdline")
			if diff := cmp.Diff(map[string]any{"pid": 50, "name": "java", "memory_percent": 12.5, "memory_mb": 1024.0}, top[0]); diff != "" {
				t.Error(diff)
			}
			if len(line) > 200 || strings.Contains(line, "hunter2secret") || !strings.HasPrefix(line, "java -jar shop.jar") {
				t.Errorf("cmdline = %q", line)
			}
			if want := round1(100 * float64(8<<30-tt.available) / (8 << 30)); x.Details["total_memory_percent"] != want {
				t.Errorf("total_memory_percent = %v, want %v", x.Details["total_memory_percent"], want)
			}
		})
	}
}

func TestDiskReport(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	rec := madeUp(func(s *host.Sample, _ bool) { s.Mounts = append(s.Mounts, dataMount(8<<20)) })
	rec.Walks = []host.RecordedWalk{
		{Root: "/data/in", Walk: &host.Walk{
			Root: "/data/in", Size: 90 << 20,
			Dirs:  []host.Directory{{Path: "/data/in/a", Size: 70 << 20}, {Path: "/data/in/b", Size: 9 << 20}},
			Large: []host.FileInfo{{Path: "/data/in/a/x", Size: 60 << 20, ModifiedAt: day.Add(-75 * time.Hour)}, {Path: "/data/in/a/1/2/3/deep", Size: 50 << 20, ModifiedAt: day}},
		}},
		{Root: "/var/log", Walk: &host.Walk{Root: "/var/log", Old: []host.FileInfo{{Path: "/var/log/app.log.9", Size: 3 << 20, ModifiedAt: day.Add(-40 * 24 * time.Hour)}}}},
		{Root: "/var/cache", Walk: &host.Walk{Root: "/var/cache", Old: []host.FileInfo{{Path: "/var/cache/apt/pkg.bin", Size: 5 << 20, ModifiedAt: day.Add(-60 * 24 * time.Hour)}}}},
	}
	r := analyzed(t, rec, &providers.Request{Kind: providers.Disk, Options: providers.Options{Path: "/data/in", LargeFileMB: 20}})
	if len(r.Recommendations) != 2 {
		t.Fatalf("%d recommendations, want large and old", len(r.Recommendations))
	}
	large, old := r.Recommendations[0], r.Recommendations[1]
	if large.Priority != providers.High || large.Type != providers.Disk { // 92 % used
		t.Errorf("large items are %s %s", large.Type, large.Priority)
	}
	if diff := cmp.Diff([]map[string]any{
		{"path": "/data/in/a", "size_mb": 70.0, "is_directory": true, "age_days": 0},
		{"path": "/data/in/a/x", "size_mb": 60.0, "is_directory": false, "age_days": 3},
	}, large.Details["large_items"]); diff != "" {
		t.Error(diff)
	}
	if old.Priority != providers.Medium {
		t.Errorf("old files are %s", old.Priority)
	}
	if diff := cmp.Diff([]map[string]any{
		{"path": "/var/cache/apt/pkg.bin", "size_mb": 5.0, "is_directory": false, "age_days": 60, "type": "cache"},
		{"path": "/var/log/app.log.9", "size_mb": 3.0, "is_directory": false, "age_days": 40, "type": "log"},
	}, old.Details["old_files"]); diff != "" {
		t.Error(diff)
	}

	small := madeUp(nil)
	small.Walks = []host.RecordedWalk{{Root: "/srv", Walk: &host.Walk{Root: "/srv"}}}
	r = analyzed(t, small, &providers.Request{Kind: providers.Disk, Incident: &providers.Incident{ID: "i1", Metadata: map[string]any{"path": "/srv"}}})
	if x := r.Recommendations[0]; len(r.Recommendations) != 1 || x.Title != "Disk Health Check" || x.Priority != providers.Low || x.Details["path"] != "/srv" || x.IncidentID != "i1" {
		t.Errorf("nothing large and nothing old: %+v", r.Recommendations)
	}

	rec.Walks = rec.Walks[1:] // now nothing is known of /data/in, which is not to read as "nothing is large there"
	r = analyzed(t, rec, &providers.Request{Kind: providers.Disk, Options: providers.Options{Path: "/data/in", LargeFileMB: 20}})
	if x := r.Recommendations[0]; len(r.Recommendations) != 2 || x.Title != "Path Not Read" || x.Priority != providers.Low || !strings.Contains(x.Description, "/data/in") {
		t.Errorf("a path that cannot be read: %+v", r.Recommendations)
	}
}

func TestReportLimits(t *testing.T) {
	t.Parallel()
	rec := madeUp(nil)
	w := &host.Walk{Root: "/"}
	for i := range 200 {
		f := host.FileInfo{Path: "/f" + string(rune('A'+i%26)) + strings.Repeat("x", i), Size: uint64(500-i) << 20, ModifiedAt: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
		w.Large, w.Old = append(w.Large, f), append(w.Old, f)
	}
	rec.Walks = []host.RecordedWalk{{Root: "/", Walk: w}, {Root: "/tmp", Walk: w}}
	r := analyzed(t, rec, &providers.Request{Kind: providers.Disk})
	got := map[string]int{}
	for _, x := range r.Recommendations {
		for _, k := range []string{"large_items", "old_files"} {
			if list, ok := x.Details[k].([]map[string]any); ok {
				found, _ := x.Details[k+"_found"].(int)
				got[k], got[k+"_found"] = len(list), found
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"large_items": 20, "large_items_found": 50, "old_files": 20, "old_files_found": 100}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCPUReport(t *testing.T) {
	t.Parallel()
	rec := madeUp(func(s *host.Sample, second bool) {
		s.Load = [3]float64{1.5, 1, .5}
		p, q := host.Process{PID: 50, Name: "busy"}, host.Process{PID: 51, Name: "idle"}
		if second {
			p.UserTime, q.UserTime = 1.2, .01
			s.CPU.Total.User += 1.35
			s.CPU.Total.Idle -= 1.35
		}
		withProcess(s, p)
		withProcess(s, q)
	})
	r := analyzed(t, rec, &providers.Request{Kind: providers.CPU})
	x := r.Recommendations[0]
	if x.Type != providers.CPU || x.Priority != providers.High || x.Details["cpu_percent"] != 85.0 || x.Details["cpu_count_logical"] != 2 {
		t.Errorf("got %+v", x)
	}
	top, _ := x.Details["top_processes"].([]map[string]any)
	if len(top) != 1 || top[0]["pid"] != 50 || top[0]["cpu_percent"] != 80.0 {
		t.Errorf("top_processes = %v", top)
	}
}

// TestNobodyAsks: without an incident only what is over 70 % is reported.
func TestNobodyAsks(t *testing.T) {
	t.Parallel()
	if r := analyzed(t, madeUp(nil), &providers.Request{}); len(r.Recommendations) != 0 || r.Recommendations == nil || r.Summary == "" {
		t.Errorf("healthy: %+v", r)
	}
	r := analyzed(t, madeUp(func(s *host.Sample, _ bool) {
		s.Memory.Available = 1 << 30
		s.Mounts = append(s.Mounts, dataMount(20<<20))
	}), &providers.Request{})
	var got []string
	for _, x := range r.Recommendations {
		got = append(got, x.Type)
	}
	if diff := cmp.Diff([]string{providers.Memory, providers.Disk}, got); diff != "" {
		t.Error(diff)
	}
}

func TestKindOfWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Out of memory on web-1": "memory", "OOMKilled": "", "HostOutOfMemory": "memory", "The program failed": "", "download is slow": "", "HighLoad": "cpu",
		"disk and cpu": "disk", "memory and disk": "memory", "quota exceeded": "disk", "inodes": "", "inode table": "disk", "load average": "cpu", "": "",
		"swap is full": "memory", "spaceship": "", "RAM": "memory",
	} {
		if got := kindOfWords(plain(in)); got != want {
			t.Errorf("kindOfWords(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOldClass(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/home/ann/.cache/x.log": "cache", "/var/cache/apt/a.deb": "cache", "/opt/cached/file.tmp": "temp", "/srv/cacheless/a.bin": "other", "/var/log/syslog.1": "log",
		"/opt/app/app.log.3.gz": "log", "/opt/logs/a.bin": "log", "/tmp/a.bin": "temp", "/var/tmp/a": "temp", "/home/ann/report.tmp": "temp", "/home/ann/catalog": "other",
		"/home/ann/cache": "other",
	} {
		if got := oldClass(in); got != want {
			t.Errorf("oldClass(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestBesideNothingFound: an analysis that finds nothing has the report that the incident's words are about with it, and no alarm.
func TestBesideNothingFound(t *testing.T) {
	t.Parallel()
	r := analyzed(t, madeUp(nil), incidentOf("Memory usage high"))
	if x := firstOf(r, providers.Memory); x == nil || x.Details["top_processes"] == nil || x.Priority != providers.Low {
		t.Errorf("got %+v", r.Recommendations)
	}
}

// TestFiguresAsDf: the line about the host says what df and the check of disks say, also where root keeps much for itself.
func TestFiguresAsDf(t *testing.T) {
	t.Parallel()
	rec := madeUp(func(s *host.Sample, _ bool) {
		s.Mounts = []host.Mount{{Path: "/", Device: "/dev/vda", Type: "ext4", Options: "rw", Dev: 1, Total: 252 << 30, Free: 185 << 30, Available: 24 << 30, Inodes: 1e7, InodesFree: 9e6}}
	})
	r := analyzed(t, rec, &providers.Request{Incident: &providers.Incident{ID: "i1", Title: "host unhealthy"}})
	if !strings.Contains(r.Summary, "fullest file system / at 74 %") {
		t.Errorf("df says 74 %%: %s", r.Summary)
	}
}
