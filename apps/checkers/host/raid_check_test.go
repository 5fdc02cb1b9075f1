package host_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestRAID(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for name, tt := range map[string]struct {
		file    string
		sysfs   map[string]string
		status  checkers.Status
		message string
		bad     int
		arrays  int
	}{
		"no file":        {status: checkers.OK, message: "no arrays"},
		"no arrays":      {file: "none", status: checkers.OK, message: "no arrays"},
		"all levels":     {file: "healthy", status: checkers.OK, message: "all members of md0, md1, md2, md3, md4, md5 are there", arrays: 6},
		"missing member": {file: "degraded", status: checkers.Critical, message: "md1 (raid5): 3 of 4 members, failed: sdd1, md0 (raid1): 1 of 2 members", bad: 2, arrays: 2},
		"being rebuilt": {
			file: "rebuilding", status: checkers.Warning, bad: 2, arrays: 2,
			message: "md1 (raid5): 3 of 4 members, failed: sdd1, recovery at 12.6%, 127.5min to go, md2 (raid1): resync delayed",
		},
		"reshape":           {file: "reshape", status: checkers.Warning, message: "md0 (raid5): reshape at 0.0%, 9999999999.9min to go", bad: 1, arrays: 1},
		"check":             {file: "check", status: checkers.OK, message: "all members of md0, md1 are there; md0 (raid1): check at 37.2%, 61.0min to go, md1 (raid1): check delayed", arrays: 2},
		"check of degraded": {file: "check_degraded", status: checkers.Critical, message: "md0 (raid6): 3 of 4 members, check at 37.2%, 61.0min to go", bad: 1, arrays: 1},
		"resync":            {file: "resync", status: checkers.Warning, message: "md0 (raid1): resync at 37.2%, 61.0min to go", bad: 1, arrays: 1},
		"repair": {
			file: "resync", sysfs: map[string]string{"/sys/block/md0/md/sync_action": "repair\n"}, status: checkers.OK,
			message: "all members of md0 are there; md0 (raid1): repair at 37.2%, 61.0min to go", arrays: 1,
		},
		"resync by sysfs":  {file: "resync", sysfs: map[string]string{"/sys/block/md0/md/sync_action": "resync\n"}, status: checkers.Warning, message: "md0 (raid1): resync at 37.2%, 61.0min to go", bad: 1, arrays: 1},
		"not started":      {file: "inactive", status: checkers.Critical, message: "md127 is inactive", bad: 1, arrays: 1},
		"Intel containers": {file: "container", status: checkers.OK, message: "all members of md126, md127 are there", arrays: 2},
		"broken stripes":   {file: "broken", status: checkers.Critical, message: "md0 is broken", bad: 1, arrays: 1},
		"spare took over":  {file: "failed_spare_took_over", status: checkers.Critical, message: "md0 (raid1): failed: sdb1", bad: 1, arrays: 1},
		"old kernel":       {file: "old_kernel", status: checkers.Warning, message: "md0 (raid5): 2 of 3 members, resync pending", bad: 1, arrays: 1},
		"nonsense":         {file: "nothing_like_it", status: checkers.OK, message: "all members of md9 are there", arrays: 1},
	} {
		tested[tt.file] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}, Files: map[string]string{}}
			if tt.file != "" {
				raw, err := os.ReadFile(filepath.Join("testdata/mdstat", tt.file+".txt"))
				if err != nil {
					t.Fatal(err)
				}
				h.Files["/proc/mdstat"] = string(raw)
			}
			maps.Copy(h.Files, tt.sysfs)
			r := checkertest.Run(t, hostchecks.RAID{}, h, "")
			if r.Status != tt.status || r.Message != tt.message {
				t.Errorf("%s: %q\nwant %s: %q", r.Status, r.Message, tt.status, tt.message)
			}
			if r.Metrics["array_count"] != tt.arrays || r.Metrics["bad_count"] != tt.bad {
				t.Errorf("%v arrays, %v bad; want %d, %d", r.Metrics["array_count"], r.Metrics["bad_count"], tt.arrays, tt.bad)
			}
		})
	}
	files, err := filepath.Glob("testdata/mdstat/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !tested[strings.TrimSuffix(filepath.Base(f), ".txt")] {
			t.Errorf("%s is in no case", f)
		}
	}
}

func TestRAIDMetrics(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/mdstat/rebuilding.txt")
	if err != nil {
		t.Fatal(err)
	}
	h := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}, Files: map[string]string{"/proc/mdstat": string(raw)}}
	want := map[string]any{
		"md1": map[string]any{
			"status": checkers.Warning, "state": "active", "level": "raid5", "members": []string{"sde1", "sdd1", "sdc1", "sdb1", "sda2"},
			"failed": []string{"sdd1"}, "slots": 4, "working": 3, "action": "recovery", "percent": 12.6, "waits": "",
		},
		"md2": map[string]any{
			"status": checkers.Warning, "state": "active", "level": "raid1", "members": []string{"sdg1", "sdf1"},
			"failed": []string{}, "slots": 2, "working": 2, "action": "resync", "percent": 0.0, "waits": "DELAYED",
		},
	}
	if diff := cmp.Diff(want, checkertest.Run(t, hostchecks.RAID{}, h, "").Metrics["arrays"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
