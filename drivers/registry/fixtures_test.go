package registry_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/drivertest"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// fixtures returns the folder of captured payloads that lies beside the repository on development machines. They are not
// shipped; without them the drivers' own cases must do.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("INCIDENTHUB_FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	dir = filepath.Join(dir, "webhooks")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no fixtures: %v", err)
	}
	return dir
}

// want is the form of *.expected.json.
type want struct {
	Driver        string      `json:"driver"`
	Detect        *string     `json:"detect"`
	Count         int         `json:"count"`
	Alerts        []wantAlert `json:"alerts"`
	Subset        bool        `json:"alerts_subset"`
	Distinct      bool        `json:"distinct_fingerprints"`
	CorrelatesTo  []string    `json:"correlates_with"`
	StartsAtAlso  []time.Time `json:"starts_at_also_ok"`
	Truncated     *int        `json:"truncated"`
	GroupKeyExact *string     `json:"group_key_exact"`
	AlsoOK        []struct {
		Count    *int    `json:"count"`
		Severity *string `json:"severity"`
	} `json:"also_ok"`
}

type wantAlert struct {
	Name         *string           `json:"name"`
	NameContains string            `json:"name_contains"`
	Status       string            `json:"status"`
	Severity     *string           `json:"severity"`
	StartsAt     *time.Time        `json:"starts_at"`
	StartsAtAlso []time.Time       `json:"starts_at_also_ok"`
	EndsAt       *time.Time        `json:"ends_at"`
	LabelsSubset map[string]string `json:"labels_subset"`
}

func builtin(t *testing.T) *registry.Registry {
	t.Helper()
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func decodeFile(t *testing.T, path string) (doc.Object, error) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Decode(body, doc.Limits{})
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	dir := fixtures(t)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.expected.json"))
	if err != nil || len(files) < 119 {
		t.Fatalf("%d expectations in %s: %v", len(files), dir, err)
	}
	reg := builtin(t)
	for _, f := range files {
		base := strings.TrimSuffix(f, ".expected.json")
		name, err := filepath.Rel(dir, base)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var w want
			if err := json.Unmarshal(text, &w); err != nil {
				t.Fatal(err)
			}
			fixture(t, reg, base, w)
		})
	}
}

func fixture(t *testing.T, reg *registry.Registry, base string, w want) {
	t.Helper()
	d, err := decodeFile(t, base+".json")
	if err != nil {
		t.Fatal(err)
	}
	detected := ""
	if drv, err := reg.Detect(d); err == nil {
		detected = drv.Name()
	}
	if w.Detect != nil && detected != *w.Detect {
		t.Errorf("detected as %q, want %q", detected, *w.Detect)
	}
	if w.Detect == nil && detected != "" && detected != w.Driver && detected != "generic" {
		t.Errorf("detected as %q, want none, generic or %q", detected, w.Driver)
	}
	for _, drv := range registry.Builtin() {
		drivertest.Check(t, drv, d)
	}
	p := parseAs(t, reg, w.Driver, d)
	if len(p.Observations) != w.Count {
		t.Fatalf("%d observations (rejected %v, ignored %q), want %d", len(p.Observations), p.Rejected, p.Ignored, w.Count)
	}
	if w.Truncated != nil && p.Truncated != *w.Truncated {
		t.Errorf("truncated %d, want %d", p.Truncated, *w.Truncated)
	}
	if w.GroupKeyExact != nil && p.GroupKey != *w.GroupKeyExact {
		t.Errorf("group key %q, want %q", p.GroupKey, *w.GroupKeyExact)
	}
	if w.Subset {
		t.Fatal("alerts_subset is not known to this test")
	}
	prints := map[string]bool{}
	for i, o := range p.Observations {
		prints[o.Fingerprint] = true
		checkAlert(t, i, o, w.Alerts[i], w)
	}
	if w.Distinct && len(prints) != len(p.Observations) {
		t.Errorf("%d fingerprints for %d alerts", len(prints), len(p.Observations))
	}
	for _, other := range w.CorrelatesTo {
		od, err := decodeFile(t, filepath.Join(filepath.Dir(base), other+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if op := parseAs(t, reg, w.Driver, od); op.Observations[0].Fingerprint != p.Observations[0].Fingerprint {
			t.Errorf("fingerprint %q, but %s has %q", p.Observations[0].Fingerprint, other, op.Observations[0].Fingerprint)
		}
	}
}

func parseAs(t *testing.T, reg *registry.Registry, driver string, d doc.Object) event.Parsed {
	t.Helper()
	drv, err := reg.Get(driver)
	if err != nil {
		t.Fatal(err)
	}
	p, err := drv.Parse(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func checkAlert(t *testing.T, i int, carried event.Observation, w wantAlert, all want) {
	t.Helper()
	received := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	o := carried.FirstSight(received)
	if w.Name != nil && o.Name != *w.Name || !strings.Contains(o.Name, w.NameContains) || o.Name == "" {
		t.Errorf("alert %d: name %q, want %v containing %q", i, o.Name, w.Name, w.NameContains)
	}
	if string(o.Status) != w.Status {
		t.Errorf("alert %d: status %s, want %s", i, o.Status, w.Status)
	}
	if w.Severity != nil && string(o.Severity) != *w.Severity {
		t.Errorf("alert %d: severity %s, want %s", i, o.Severity, *w.Severity)
	}
	if !startsWell(o.StartedAt, w, all) {
		t.Errorf("alert %d: started %v, want %v", i, o.StartedAt, w.StartsAt)
	}
	switch {
	case w.EndsAt != nil && o.EndedAt.Sub(*w.EndsAt).Abs() > time.Second:
		t.Errorf("alert %d: ended %v, want %v", i, o.EndedAt, *w.EndsAt)
	case w.EndsAt == nil && w.Status == "firing" && !o.EndedAt.IsZero():
		t.Errorf("alert %d: ended %v while firing", i, o.EndedAt)
	}
	for k, v := range w.LabelsSubset {
		if got, ok := o.Labels[k]; !ok || got != v {
			t.Errorf("alert %d: label %s = %q, want %q", i, k, got, v)
		}
	}
}

func startsWell(got time.Time, w wantAlert, all want) bool {
	if w.StartsAt == nil {
		return true
	}
	return slices.ContainsFunc(slices.Concat([]time.Time{*w.StartsAt}, w.StartsAtAlso, all.StartsAtAlso), func(ok time.Time) bool {
		return got.Sub(ok).Abs() <= time.Second
	})
}

// TestBadFixtures judges the hostile bodies as far as that can be done below HTTP: 400 is a body that does not decode, 422 one
// that its driver refuses or rejects, and 2xx one that gives an alert or is ignored.
func TestBadFixtures(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(fixtures(t), "bad")
	text, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Cases []struct {
			File, Driver string
			ContentType  string `json:"content_type"`
			Expect       []int  `json:"expect_status"`
			AlsoOK       []int  `json:"also_ok"`
			Alerts       *int
			Drivers      []string
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	reg := builtin(t)
	for _, c := range manifest.Cases {
		if c.File == "" || c.Driver == "nosuchdriver" || !strings.HasPrefix(c.ContentType, "application/json") && !strings.HasPrefix(c.ContentType, "text/plain") {
			continue // made by a script, or judged by the router
		}
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			d, decodeErr := decodeFile(t, filepath.Join(dir, c.File))
			if decodeErr == nil {
				for _, drv := range registry.Builtin() {
					drivertest.Check(t, drv, d)
				}
			}
			for _, name := range append(c.Drivers, c.Driver) {
				got, alerts := outcome(t, reg, name, d, decodeErr)
				if !slices.Contains(append(c.Expect, c.AlsoOK...), got) {
					t.Errorf("%s: as good as %d, want %v or %v", name, got, c.Expect, c.AlsoOK)
				}
				if c.Alerts != nil && alerts != *c.Alerts {
					t.Errorf("%s: %d alerts, want %d", name, alerts, *c.Alerts)
				}
			}
		})
	}
}

func outcome(t *testing.T, reg *registry.Registry, name string, d doc.Object, decodeErr error) (status, alerts int) {
	t.Helper()
	if decodeErr != nil {
		return 400, 0
	}
	if name == "auto" {
		name = ""
	}
	drv, err := reg.Find(name, d)
	if err != nil {
		if !errors.Is(err, registry.ErrUnrecognised) {
			t.Error(err)
		}
		return 422, 0
	}
	p, err := drv.Parse(d)
	if err != nil || len(p.Observations) == 0 && p.Ignored == "" {
		return 422, 0
	}
	return 202, len(p.Observations)
}
