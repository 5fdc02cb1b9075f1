package host_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// ioSample is a host so many milliseconds after its start, with counters of one disk and one process.
func ioSample(ms int, busy time.Duration, readMB, writeMB uint64, more ...host.Disk) *host.Sample {
	return &host.Sample{
		TakenAt: time.UnixMilli(1_000_000 + int64(ms)).UTC(),
		Disks: append([]host.Disk{{
			Name: "sda", HasBusy: true, Busy: busy, ReadBytes: readMB << 20, WriteBytes: writeMB << 20,
		}}, more...),
		Processes: []host.Process{{PID: 9, Started: 1, Name: "postgres", ReadBytes: readMB << 20, WriteBytes: writeMB << 20}, {PID: 10, Name: "idle"}},
	}
}

func TestIOStrain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after *host.Sample
		config        string
		status        checkers.Status
		message       string
		devices       map[string]any
	}{
		"calm": {
			before: ioSample(0, 0, 0, 0), after: ioSample(2000, time.Second, 10, 4), status: checkers.OK,
			message: "sda busy for 50.0% of 2.0 s, reading 5.0 and writing 2.0 MB/s",
			devices: map[string]any{"sda": map[string]any{"util_percent": 50.0, "read_mb_s": 5.0, "write_mb_s": 2.0}},
		},
		"busy": {
			before: ioSample(0, 0, 0, 0), after: ioSample(1000, 800*time.Millisecond, 100, 0), status: checkers.Warning,
			message: "sda busy for 80.0% of 1.0 s, reading 100.0 and writing 0.0 MB/s; most by postgres (pid 9), 100.0 MB/s",
			devices: map[string]any{"sda": map[string]any{"util_percent": 80.0, "read_mb_s": 100.0, "write_mb_s": 0.0}},
		},
		"more than all the time": {
			before: ioSample(0, 0, 0, 0), after: ioSample(1000, 1100*time.Millisecond, 0, 0), status: checkers.Critical,
			message: "sda busy for 100.0% of 1.0 s, reading 0.0 and writing 0.0 MB/s",
			devices: map[string]any{"sda": map[string]any{"util_percent": 100.0, "read_mb_s": 0.0, "write_mb_s": 0.0}},
		},
		"devices that come, go, begin anew or do not say": {
			before:  ioSample(0, time.Minute, 5, 5, host.Disk{Name: "gone", HasBusy: true}, host.Disk{Name: "mute"}, host.Disk{Name: "anew", HasBusy: true, Busy: time.Hour}),
			after:   ioSample(1000, time.Minute, 5, 5, host.Disk{Name: "new", HasBusy: true, Busy: time.Second}, host.Disk{Name: "mute", Busy: time.Second}, host.Disk{Name: "anew", HasBusy: true, Busy: time.Second}),
			status:  checkers.OK,
			message: "sda busy for 0.0% of 1.0 s, reading 0.0 and writing 0.0 MB/s",
			devices: map[string]any{"sda": map[string]any{"util_percent": 0.0, "read_mb_s": 0.0, "write_mb_s": 0.0}},
		},
		"nothing to measure": {
			before: &host.Sample{TakenAt: time.UnixMilli(1000)}, after: &host.Sample{TakenAt: time.UnixMilli(2000)}, status: checkers.OK,
			message: "no block device says how busy it is", devices: map[string]any{},
		},
		"busiest decides": {
			before: ioSample(0, 0, 0, 0, host.Disk{Name: "nvme0n1", HasBusy: true}),
			after:  ioSample(1000, 0, 0, 0, host.Disk{Name: "nvme0n1", HasBusy: true, Busy: 960 * time.Millisecond, WriteBytes: 1 << 20}), status: checkers.Critical,
			message: "nvme0n1 busy for 96.0% of 1.0 s, reading 0.0 and writing 1.0 MB/s",
			devices: map[string]any{
				"sda":     map[string]any{"util_percent": 0.0, "read_mb_s": 0.0, "write_mb_s": 0.0},
				"nvme0n1": map[string]any{"util_percent": 96.0, "read_mb_s": 0.0, "write_mb_s": 1.0},
			},
		},
		"other thresholds": {
			before: ioSample(0, 0, 0, 0), after: ioSample(1000, 100*time.Millisecond, 0, 0), config: `{"warning_threshold": 5, "critical_threshold": 50}`,
			status: checkers.Warning, message: "sda busy for 10.0% of 1.0 s, reading 0.0 and writing 0.0 MB/s",
			devices: map[string]any{"sda": map[string]any{"util_percent": 10.0, "read_mb_s": 0.0, "write_mb_s": 0.0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.With(t, hostchecks.IOStrain{}, checkers.Input{Before: tt.before, Sample: tt.after, Shared: true, Config: []byte(tt.config)})
			if r.Status != tt.status || r.Message != tt.message {
				t.Errorf("%s: %q\nwant %s: %q", r.Status, r.Message, tt.status, tt.message)
			}
			if diff := cmp.Diff(tt.devices, r.Metrics["devices"]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestIOStrainSamples: which samples are compared.
func TestIOStrainSamples(t *testing.T) {
	t.Parallel()
	a, b, c := ioSample(0, 0, 0, 0), ioSample(1000, 100*time.Millisecond, 0, 0), ioSample(4000, 3*time.Second, 0, 0)
	for name, tt := range map[string]struct {
		in      checkers.Input
		next    *host.Sample
		message string
	}{
		"the pair":                {checkers.Input{Before: a, Sample: b}, c, "sda busy for 10.0% of 1.0 s"},
		"a pair of other length":  {checkers.Input{Before: a, Sample: b, Config: []byte(`{"sample_interval": 3}`)}, c, "sda busy for 96.7% of 3.0 s"},
		"shared, whatever length": {checkers.Input{Before: a, Sample: b, Shared: true, Config: []byte(`{"sample_interval": 3}`)}, c, "sda busy for 10.0% of 1.0 s"},
		"no pair":                 {checkers.Input{Sample: b}, c, "sda busy for 96.7% of 3.0 s"},
		"twice the same":          {checkers.Input{Before: b, Sample: b}, c, "sda busy for 96.7% of 3.0 s"},
		"again the same":          {checkers.Input{Sample: b}, b, "Check failed: two looks at the host are of the same moment"},
		"no interval":             {checkers.Input{Before: a, Sample: b, Config: []byte(`{"sample_interval": 0}`)}, c, "Check failed: sample_interval: want more than 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.in.Probe = &checkertest.Host{Samples: []*host.Sample{tt.next}}
			if r := checkertest.With(t, hostchecks.IOStrain{}, tt.in); !strings.HasPrefix(r.Message, tt.message) {
				t.Errorf("%s: %q, want %q", r.Status, r.Message, tt.message)
			}
		})
	}
	in := checkers.Input{Sample: b, Probe: &checkertest.Host{Fails: errors.New("no /proc")}}
	if r := checkertest.With(t, hostchecks.IOStrain{}, in); r.Status != checkers.Unknown || !strings.Contains(r.Error, "no /proc") {
		t.Errorf("%+v", r)
	}
}
