package host_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestTemperatures(t *testing.T) {
	t.Parallel()
	cpu := func(name string, c float64) host.Sensor { return host.Sensor{Name: name, Celsius: c, Kind: "cpu"} }
	disk := func(name string, c float64) host.Sensor { return host.Sensor{Name: name, Celsius: c, Kind: "disk"} }
	for name, tt := range map[string]struct {
		check   checkers.Checker
		sensors []host.Sensor
		config  string
		want    checkers.Result
	}{
		"no sensor": {
			check: hostchecks.CPUTemp{}, sensors: []host.Sensor{disk("nvme", 99), {Name: "wifi", Celsius: 99, Kind: "other"}},
			want: checkers.Result{Status: checkers.OK, Message: "no sensor for the temperature of a CPU", Metrics: map[string]any{"sensors": map[string]float64{}}},
		},
		"hottest core": {
			check: hostchecks.CPUTemp{}, sensors: []host.Sensor{cpu("core 0", 61.04), cpu("package", 79.96), cpu("core 1", 60), disk("nvme", 99)},
			want: checkers.Result{Status: checkers.OK, Message: "CPU at 80.0 °C (package, the hottest of 3)", Metrics: map[string]any{
				"hottest_c": 80.0, "hottest_sensor": "package", "sensors": map[string]float64{"core 0": 61, "package": 80, "core 1": 60},
			}},
		},
		"warning": {
			check: hostchecks.CPUTemp{}, sensors: []host.Sensor{cpu("a", 80), cpu("a", 20)},
			want: checkers.Result{Status: checkers.Warning, Message: "CPU at 80.0 °C (a, the hottest of 1)", Metrics: map[string]any{
				"hottest_c": 80.0, "hottest_sensor": "a", "sensors": map[string]float64{"a": 80},
			}},
		},
		"broken sensors": {
			check:   hostchecks.CPUTemp{},
			sensors: []host.Sensor{cpu("a", 0), cpu("b", -128), cpu("c", 65261.8), cpu("d", math.NaN()), cpu("e", math.Inf(1)), cpu("f", 90)},
			want: checkers.Result{Status: checkers.Critical, Message: "CPU at 90.0 °C (f, the hottest of 1)", Metrics: map[string]any{
				"hottest_c": 90.0, "hottest_sensor": "f", "sensors": map[string]float64{"f": 90},
			}},
		},
		"drive": {
			check: hostchecks.DiskTemp{}, sensors: []host.Sensor{cpu("a", 100), disk("nvme0", 54), disk("nvme1", 57)},
			want: checkers.Result{Status: checkers.Warning, Message: "drive at 57.0 °C (nvme1, the hottest of 2)", Metrics: map[string]any{
				"hottest_c": 57.0, "hottest_sensor": "nvme1", "sensors": map[string]float64{"nvme0": 54, "nvme1": 57},
			}},
		},
		"hot drive": {
			check: hostchecks.DiskTemp{}, sensors: []host.Sensor{disk("sda", 60)},
			want: checkers.Result{Status: checkers.Critical, Message: "drive at 60.0 °C (sda, the hottest of 1)", Metrics: map[string]any{
				"hottest_c": 60.0, "hottest_sensor": "sda", "sensors": map[string]float64{"sda": 60},
			}},
		},
		"other thresholds": {
			check: hostchecks.DiskTemp{}, sensors: []host.Sensor{disk("sda", 60)}, config: `{"warning_threshold": 65, "critical_threshold": 70}`,
			want: checkers.Result{Status: checkers.OK, Message: "drive at 60.0 °C (sda, the hottest of 1)", Metrics: map[string]any{
				"hottest_c": 60.0, "hottest_sensor": "sda", "sensors": map[string]float64{"sda": 60},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, tt.check, &checkertest.Host{Samples: []*host.Sample{{Sensors: tt.sensors}}}, tt.config)
			got := checkers.Result{Status: r.Status, Message: r.Message, Metrics: r.Metrics}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
