package local

import (
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// TestWhatFillsADisk: of several things that may fill a file system the one that does is blamed.
func TestWhatFillsADisk(t *testing.T) {
	t.Parallel()
	file := func(size uint64, deleted bool) host.File {
		return host.File{FD: 3, Path: "/data/app/spool", Deleted: deleted, Writing: true, Size: size, Blocks: size, Dev: dataDev, Inode: 9}
	}
	full := func(files ...host.File) *host.Recording {
		return madeUp(func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts, dataMount(2<<20))
			withProcess(s, host.Process{PID: 50, Name: "spooler", OpenFiles: files})
		})
	}
	walk := func(rec *host.Recording, w *host.Walk) *host.Recording {
		w.Root = "/data"
		rec.Walks = append(rec.Walks, host.RecordedWalk{Root: "/data", Walk: w})
		return rec
	}
	for name, tt := range map[string]struct {
		rec     *host.Recording
		fault   string
		culprit string // path, or name of a process
	}{
		"a directory, and little is deleted": {
			walk(full(file(9<<20, true)), &host.Walk{Size: 89 << 20, Dirs: []host.Directory{{Path: "/data/app", Size: 80 << 20}}}), "disk_full", "/data/app",
		},
		"deleted, and the directory is small": {
			walk(full(file(80<<20, true)), &host.Walk{Size: 18 << 20, Dirs: []host.Directory{{Path: "/data/app", Size: 16 << 20}}}), "deleted_open", "spooler",
		},
		"the deepest directory with most of it": {
			walk(full(), &host.Walk{Size: 95 << 20, Dirs: []host.Directory{
				{Path: "/data/a", Size: 90 << 20}, {Path: "/data/a/b", Size: 85 << 20}, {Path: "/data/a/b/c", Size: 40 << 20}, {Path: "/data/a/b/d", Size: 44 << 20}, {Path: "/data/z", Size: 5 << 20},
			}}), "disk_full", "/data/a/b",
		},
		"one of two": {
			walk(full(), &host.Walk{Size: 95 << 20, Dirs: []host.Directory{{Path: "/data/a", Size: 55 << 20}, {Path: "/data/b", Size: 38 << 20}}}), "disk_full", "/data/a",
		},
		"several alike": {
			walk(full(), &host.Walk{Size: 95 << 20, Dirs: []host.Directory{{Path: "/data/a", Size: 33 << 20}, {Path: "/data/b", Size: 32 << 20}, {Path: "/data/c", Size: 30 << 20}}}), "disk_full", "/data",
		},
		"a file of its own": {
			walk(full(), &host.Walk{Size: 95 << 20, Large: []host.FileInfo{{Path: "/data/big.img", Size: 90 << 20}}}), "disk_full", "/data/big.img",
		},
		"nothing could be read": {full(), "disk_full", "/data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := analyzed(t, tt.rec, incidentOf("host unhealthy"))
			x := r.Recommendations[0]
			c := culpritOf(t, &x)
			if x.Details["fault"] != tt.fault || c.Path != tt.culprit && c.Name != tt.culprit || !strings.Contains(x.Description, "/data") {
				t.Errorf("got %v, culprit %+v: %s", x.Details["fault"], c, x.Title)
			}
			if x.Priority != providers.Critical && x.Priority != providers.High {
				t.Errorf("priority = %s", x.Priority)
			}
		})
	}
}

// TestReadOnlyReasons: how sure it is that a file system should be writable.
func TestReadOnlyReasons(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reads map[string]string
		want  string
		why   string
	}{
		"fstab wants it written": {map[string]string{"/etc/fstab": "/dev/vdb /data ext4 rw,noatime 0 2\n"}, providers.High, "fstab wants it writable"},
		"the kernel met errors":  {map[string]string{"/sys/fs/ext4/vdb/errors_count": "3\n"}, providers.Critical, "3 errors"},
		"it was written before":  {map[string]string{"/sys/fs/ext4/vdb/session_write_kbytes": "900\n"}, providers.High, "written since"},
		"switched over by error": {map[string]string{"/proc/self/mountinfo": "40 25 8:1 / /data rw - ext4 /dev/vdb ro,emergency_ro\n"}, providers.Critical, "after an error"},
		"nobody knows":           {nil, providers.Medium, "fstab does not list it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := readOnlyAt("/data")
			for path, s := range tt.reads {
				rec.Reads = append(rec.Reads, host.RecordedRead{Path: path, Text: s})
			}
			x := analyzed(t, rec, incidentOf("host unhealthy")).Recommendations[0]
			if x.Details["fault"] != "read_only" || x.Priority != tt.want || !strings.Contains(x.Description, tt.why) {
				t.Errorf("got %v %s: %s", x.Details["fault"], x.Priority, x.Description)
			}
		})
	}
}
