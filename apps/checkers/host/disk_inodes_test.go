package host_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestDiskInodes(t *testing.T) {
	t.Parallel()
	h := &checkertest.Host{
		Samples: []*host.Sample{{OS: "linux", Mounts: []host.Mount{
			{Path: "/", Type: "ext4", Dev: 1, Inodes: 1000, InodesFree: 500},
			{Path: "/var", Type: "ext4", Dev: 2, Inodes: 1000, InodesFree: 200},
			{Path: "/var/lib", Type: "ext4", Dev: 3, Inodes: 1000, InodesFree: 50},
			{Path: "/again", Type: "ext4", Dev: 3, Inodes: 1000, InodesFree: 50},
			{Path: "/snap/core", Type: "squashfs", Dev: 4, ReadOnly: true, Inodes: 100},
			{Path: "/data", Type: "btrfs", Dev: 5},
			{Path: "/dead", Type: "nfs4", Dev: 6, Unread: "does not answer"},
			{Path: "/odd", Type: "x", Dev: 7, Inodes: 10, InodesFree: 11},
		}}},
		Lists: map[string][]string{"/var/log": {"a"}, "/variable": {"b"}},
	}
	for name, tt := range map[string]struct {
		config  string
		status  checkers.Status
		message string
		worst   any
		path    any
	}{
		"default":             {"", checkers.OK, "50.0% of the inodes of / are used", 50.0, "/"},
		"worst decides":       {`{"paths": ["/", "/var"]}`, checkers.Warning, "80.0% of the inodes of /var are used", 80.0, "/var"},
		"of the file system":  {`{"paths": ["/var/log/"]}`, checkers.Warning, "80.0% of the inodes of /var/log are used", 80.0, "/var/log"},
		"by whole components": {`{"paths": ["/variable"]}`, checkers.OK, "50.0% of the inodes of /variable are used", 50.0, "/variable"},
		"all":                 {`{"paths": []}`, checkers.Critical, "95.0% of the inodes of /var/lib are used", 95.0, "/var/lib"},
		"no fixed number":     {`{"paths": ["/data"]}`, checkers.OK, "no file system with a fixed number of inodes: /data makes them as needed", nil, nil},
		"more free than all":  {`{"paths": ["/odd"]}`, checkers.OK, "0.0% of the inodes of /odd are used", 0.0, "/odd"},
		"not there":           {`{"paths": ["/", "/nope"]}`, checkers.Unknown, "Check failed: /nope: there is no such folder", nil, nil},
		"dead":                {`{"paths": ["/dead"]}`, checkers.Unknown, "Check failed: /dead cannot be read: does not answer", nil, nil},
		"relative":            {`{"paths": ["var"]}`, checkers.Unknown, "Check failed: paths: want absolute paths", nil, nil},
		"thresholds":          {`{"warning_threshold": 10, "critical_threshold": 20}`, checkers.Critical, "50.0% of the inodes of / are used", 50.0, "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, hostchecks.DiskInodes{}, h, tt.config)
			if r.Status != tt.status || r.Message != tt.message || r.Metrics["worst_percent"] != tt.worst || r.Metrics["worst_path"] != tt.path {
				t.Errorf("%s: %q, %v of %v", r.Status, r.Message, r.Metrics["worst_percent"], r.Metrics["worst_path"])
			}
		})
	}
	want := map[string]any{
		"/":        map[string]any{"percent": 50.0, "inodes": uint64(1000), "used": uint64(500), "free": uint64(500)},
		"/var":     map[string]any{"percent": 80.0, "inodes": uint64(1000), "used": uint64(800), "free": uint64(200)},
		"/var/lib": map[string]any{"percent": 95.0, "inodes": uint64(1000), "used": uint64(950), "free": uint64(50)},
		"/odd":     map[string]any{"percent": 0.0, "inodes": uint64(10), "used": uint64(0), "free": uint64(10)},
	}
	if diff := cmp.Diff(want, checkertest.Run(t, hostchecks.DiskInodes{}, h, `{"paths": []}`).Metrics["paths"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	none := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}}
	if r := checkertest.Run(t, hostchecks.DiskInodes{}, none, ""); r.Status != checkers.Unknown || !strings.Contains(r.Message, "no file system is known for /") {
		t.Errorf("without mounts: %+v", r)
	}
}
