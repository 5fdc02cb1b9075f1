package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

func recording(t *testing.T, file string) *host.Recording {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := host.ReadRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestNewNeedsAProbe(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("an analyzer without a probe")
	}
	z, err := New(Config{Probe: host.Replay(&host.Recording{})})
	if err != nil || z.Name() != "local" {
		t.Errorf("New = %v, %v", z, err)
	}
}

func TestAHostThatCannotBeLookedAtIsAnError(t *testing.T) {
	t.Parallel()
	z, err := New(Config{Probe: host.Replay(&host.Recording{})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = z.Analyze(t.Context(), incidentOf("host unhealthy"))
	var failed *providers.Error
	if !errors.As(err, &failed) || failed.Class != providers.ErrServer || !errors.Is(err, host.ErrUnseen) {
		t.Errorf("Analyze = %v, want an error of class %s", err, providers.ErrServer)
	}
}

// counting counts what is asked of a host, and shares its samples as host.Shared does.
type counting struct {
	host.Probe
	pidfiles atomic.Int64
}

func (c *counting) Pidfiles(ctx context.Context) ([]host.Pidfile, error) {
	c.pidfiles.Add(1)
	return c.Probe.Pidfiles(ctx)
}

func TestManyAnalysesOfOnePairOfSamplesSearchOnce(t *testing.T) {
	t.Parallel()
	probe := &counting{Probe: host.Replay(recording(t, "zombies"))}
	z, err := New(Config{Probe: host.Share(probe, time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			a, err := z.Analyze(t.Context(), incidentOf("host unhealthy"))
			if err != nil || culpritOf(t, &a.Result.Recommendations[0]).PID != 24237 {
				t.Errorf("Analyze = %+v, %v", a, err)
			}
		})
	}
	wg.Wait()
	if n := probe.pidfiles.Load(); n != 1 {
		t.Errorf("the host was searched %d times, want once", n)
	}
}

func TestADetectorThatPanicsIsLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	rec := recording(t, "zombies")
	l := newLook(newView(rec.Samples[0], rec.Samples[1], host.Replay(rec)), incidentOf("host unhealthy"))
	found, err := search(t.Context(), l, []detector{
		{name: "of_the_moon", run: func(context.Context, *look) []finding { panic("no moon") }},
		{name: "zombies", run: zombies},
		{name: "asking", asks: true, run: func(_ context.Context, l *look) []finding {
			if l.req.Incident == nil {
				t.Error("a detector that asks got no incident")
			}
			return nil
		}},
		{name: "plain", run: func(_ context.Context, l *look) []finding {
			if l.req.Incident != nil {
				t.Error("a detector that asks nothing got an incident")
			}
			return nil
		}},
		{name: "walking", walks: true, run: func(context.Context, *look) []finding {
			t.Error("directories are walked though nothing fills")
			return nil
		}},
	})
	if err != nil || len(found) != 1 || found[0].class != "zombies" {
		t.Fatalf("search = %+v, %v", found, err)
	}
	if s := result(l, rank(l, found)).Summary; !strings.Contains(s, "Could not read: the search for of the moon broke off") {
		t.Errorf("summary = %q", s)
	}
}

func TestALookAtAnotherMachineExplainsNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request *providers.Request
		about   string // "": ours
	}{
		"own name":           {incidentOf("x", "instance", "WEB-1:9100"), ""},
		"own full name":      {incidentOf("x", "hostname", "web-1.example.net"), ""},
		"own address":        {incidentOf("x", "instance", "192.0.2.2:9100"), ""},
		"own address as URL": {incidentOf("x", "instance", "http://192.0.2.2:80/metrics"), ""},
		"loopback":           {incidentOf("x", "instance", "[::1]:9100"), ""},
		"localhost":          {incidentOf("x", "host_name", "localhost"), ""},
		"host is a target":   {incidentOf("x", "host", "db-7", "url", "http://db-7/", "port", "5432"), ""},
		"another name":       {incidentOf("x", "instance", "db-7:9100"), "db-7"},
		"another domain":     {incidentOf("x", "hostname", "web-1.example.org"), "web-1.example.org"},
		"another address":    {incidentOf("x", "instance_id", "192.0.2.77"), "192.0.2.77"},
		"of an alert": {&providers.Request{
			Incident: &providers.Incident{Title: "x"}, Evidence: providers.Evidence{Alerts: []providers.Alert{{ID: "A1", Name: "y", Labels: map[string]string{"instance": "db-7"}}}},
		}, "db-7"},
		"one of several is ours": {&providers.Request{
			Incident: &providers.Incident{Title: "x", Labels: map[string]string{"instance": "db-7"}},
			Evidence: providers.Evidence{Alerts: []providers.Alert{{ID: "A1", Labels: map[string]string{"instance": "web-1"}}}},
		}, ""},
		"of the metadata": {&providers.Request{Incident: &providers.Incident{Title: "x", Metadata: map[string]any{"hostname": "db-7"}}}, "db-7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z, err := New(Config{Probe: host.Replay(recording(t, "fd_limit"))})
			if err != nil {
				t.Fatal(err)
			}
			a, err := z.Analyze(t.Context(), tt.request)
			if err != nil {
				t.Fatal(err)
			}
			first := a.Result.Recommendations[0]
			if tt.about == "" {
				if a.Rung != "" || first.Priority != providers.Critical {
					t.Errorf("rung %q, first %s: %s", a.Rung, first.Priority, first.Title)
				}
				return
			}
			if want := "Looked at web-1, the alert is about " + tt.about; a.Rung != providers.RungFacts || !strings.HasPrefix(a.Result.Summary, want) || first.Title != want {
				t.Errorf("rung %q, summary %q, title %q, want facts and %q", a.Rung, a.Result.Summary, first.Title, want)
			}
			for _, rec := range a.Result.Recommendations {
				if rec.Priority != providers.Low {
					t.Errorf("%s: %s", rec.Priority, rec.Title)
				}
			}
		})
	}
}

func TestACrashLoopAtRestInBothSamples(t *testing.T) {
	t.Parallel()
	rec := recording(t, "crash_loop")
	for _, s := range rec.Samples {
		s.Processes = slices.DeleteFunc(s.Processes, func(p host.Process) bool { return p.PPID == 2352 })
	}
	first := analyzed(t, rec, incidentOf("host unhealthy")).Recommendations[0]
	if first.Details["fault"] != "crash_loop" || culpritOf(t, &first).PID != 2352 {
		t.Errorf("%s: %v", first.Title, first.Details)
	}
}

func TestEvidenceIsWhatWasGiven(t *testing.T) {
	t.Parallel()
	r := incidentOf("Memory alert")
	r.Evidence = providers.Evidence{
		Alerts:  []providers.Alert{{ID: "A1", Name: "HighMemory"}, {ID: "A2", Name: "DiskFull"}},
		Checks:  []providers.Check{{ID: "C1", Name: "cpu", Status: "critical"}, {ID: "C2", Name: "memory", Status: "warning"}, {ID: "C3", Name: "memory", Status: "ok"}},
		History: []providers.Past{{ID: "H1", Title: "refundd takes all memory"}},
		Changes: []providers.Change{{ID: "R1", Title: "Deploy refundd 2.1", Service: "refundd"}, {ID: "R2", Title: "Deploy shop"}},
	}
	first := replayed(t, "memory_big", r).Recommendations[0]
	if want := []string{"A1", "C2", "H1", "R1"}; !slices.Equal(first.Evidence, want) {
		t.Errorf("evidence = %q, want %q", first.Evidence, want)
	}
}
