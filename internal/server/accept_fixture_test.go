package server_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// expected is the form of the shared payloads' *.expected.json.
type expected struct {
	Driver   string          `json:"driver"`
	Detect   *string         `json:"detect"`
	Count    int             `json:"count"`
	Alerts   []expectedAlert `json:"alerts"`
	Subset   bool            `json:"alerts_subset"`
	Distinct bool            `json:"distinct_fingerprints"`
	AlsoOK   []struct {
		Count    *int    `json:"count"`
		Severity *string `json:"severity"`
	} `json:"also_ok"`
}

type expectedAlert struct {
	Name         *string           `json:"name"`
	NameContains string            `json:"name_contains"`
	Status       string            `json:"status"`
	Severity     *string           `json:"severity"`
	StartsAt     *time.Time        `json:"starts_at"`
	StartsAtAlso []time.Time       `json:"starts_at_also_ok"`
	EndsAt       *time.Time        `json:"ends_at"`
	LabelsSubset map[string]string `json:"labels_subset"`
}

// TestGoodFixtures pushes every captured payload through a hub, by the address that names its driver and by the one that does not.
func TestGoodFixtures(t *testing.T) {
	t.Parallel()
	dir := fixtures(t)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.expected.json"))
	if err != nil || len(files) < 119 {
		t.Fatalf("%d expectations in %s: %v", len(files), dir, err)
	}
	h := servertest.Start(t, nil)
	for n, f := range files {
		var want expected
		readJSON(t, f, &want)
		base := strings.TrimSuffix(f, ".expected.json")
		body, err := os.ReadFile(base + ".json")
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, base)
		// A source of its own keeps each payload's alerts apart.
		source := fmt.Sprintf("s%d", n)
		newSource(t, h, source, obj{"source_name": source})
		for _, driver := range []string{"", want.Driver + "/"} {
			if driver == "" && (want.Detect == nil || *want.Detect != want.Driver) {
				continue // nobody has to recognise it
			}
			// Twice the same alerts, but not the same delivery.
			a := late(h, h.Ask(http.MethodPost, door+driver+"?sync=1&source="+source, body, "Idempotency-Key", "by "+driver))
			check := fixtureCheck{t: t, name: name + " at " + door + driver, want: want}
			if a.Status != http.StatusOK && (a.Status != http.StatusAccepted || want.Count > 0) {
				check.errorf("%d %s", a.Status, a.Body)
				continue
			}
			var page struct{ Items []servertest.Row }
			h.Get("/api/v1/alerts?limit=200&source="+source, &page)
			check.alerts(page.Items)
		}
	}
	h.Rest()
	atRest(t, h, nil)
}

type fixtureCheck struct {
	t    *testing.T
	name string
	want expected
}

func (c *fixtureCheck) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s: %s", c.name, fmt.Sprintf(format, args...))
}

func (c *fixtureCheck) alerts(got []servertest.Row) {
	c.t.Helper()
	counts := map[int]bool{c.want.Count: true}
	for _, ok := range c.want.AlsoOK {
		if ok.Count != nil {
			counts[*ok.Count] = true
		}
	}
	if c.want.Distinct && !counts[len(got)] {
		c.errorf("%d alerts, want %d", len(got), c.want.Count)
		return
	}
	if len(got) > c.want.Count && !counts[len(got)] || c.want.Count > 0 && len(got) == 0 && !counts[0] {
		c.errorf("%d alerts, want %d", len(got), c.want.Count)
		return
	}
	if len(got) < c.want.Count { // several observations of one alert: only the last one shows
		return
	}
	for i, w := range c.want.Alerts {
		var why []string
		found := false
		for _, a := range got {
			miss := c.miss(w, a)
			if found = miss == ""; found {
				break
			}
			why = append(why, miss)
		}
		if !found {
			c.errorf("alert %d is not there: %s", i, strings.Join(why, " | "))
		}
	}
}

// miss says in which field an alert is not what is wanted, "" when in none.
func (c *fixtureCheck) miss(w expectedAlert, a servertest.Row) string {
	for k, v := range w.LabelsSubset {
		if a.Labels[k] != v {
			return fmt.Sprintf("label %s=%q, want %q", k, a.Labels[k], v)
		}
	}
	switch {
	case w.Name != nil && a.Name != *w.Name:
		return fmt.Sprintf("name %q, want %q", a.Name, *w.Name)
	case a.Name == "" || !strings.Contains(a.Name, w.NameContains):
		return fmt.Sprintf("name %q, want part %q", a.Name, w.NameContains)
	case a.Status != w.Status:
		return fmt.Sprintf("status %s, want %s", a.Status, w.Status)
	case w.Severity != nil && a.Severity != *w.Severity && !c.severityOK(a.Severity):
		return fmt.Sprintf("severity %s, want %s", a.Severity, *w.Severity)
	}
	start, err := time.Parse(time.RFC3339Nano, a.StartedAt)
	if err != nil {
		return err.Error()
	}
	if w.StartsAt != nil && !near(start, append(w.StartsAtAlso, *w.StartsAt)...) {
		return fmt.Sprintf("starts %s, want %s", start, w.StartsAt)
	}
	switch {
	case w.Status == "firing" && a.EndedAt != nil:
		return "it fires and has an end " + *a.EndedAt
	case w.Status == "resolved" && a.EndedAt == nil:
		return "it is resolved and has no end"
	case w.EndsAt != nil:
		end, err := time.Parse(time.RFC3339Nano, *a.EndedAt)
		if err != nil || !near(end, *w.EndsAt) {
			return fmt.Sprintf("ends %s, want %s", end, w.EndsAt)
		}
	}
	return ""
}

func (c *fixtureCheck) severityOK(got string) bool {
	for _, ok := range c.want.AlsoOK {
		if ok.Severity != nil && *ok.Severity == got {
			return true
		}
	}
	return false
}

func near(got time.Time, want ...time.Time) bool {
	for _, w := range want {
		if d := got.Sub(w); d.Abs() <= time.Second {
			return true
		}
	}
	return false
}

// TestDriversCases pushes the drivers' own cases: the suite says something where the shared payloads are not.
func TestDriversCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "drivers", "*", "testdata", "*", "input.json"))
	if err != nil || len(files) < 60 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	engines(t, nil, func(t *testing.T, h hub) {
		for n, f := range files {
			body, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(filepath.ToSlash(f), "/")
			driver, name := parts[3], parts[3]+"/"+parts[5]
			source := fmt.Sprintf("s%d", n)
			newSource(t, h, source, obj{"source_name": source})
			a := late(h, h.Ask(http.MethodPost, door+driver+"/?sync=1&source="+source, body))
			_, malformed := os.Stat(filepath.Join(filepath.Dir(f), "want.err"))
			if malformed == nil {
				refused(t, name, a, http.StatusUnprocessableEntity)
				continue
			}
			var want struct {
				Alerts []struct {
					Name        string            `json:"name"`
					Status      string            `json:"status"`
					Severity    string            `json:"severity"`
					Fingerprint string            `json:"fingerprint"`
					Labels      map[string]string `json:"labels"`
				} `json:"alerts"`
			}
			readJSON(t, filepath.Join(filepath.Dir(f), "want.json"), &want)
			if a.Status >= http.StatusInternalServerError || a.Status < 300 && len(want.Alerts) > 0 != (a.Status == http.StatusOK) {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
				continue
			}
			var page struct{ Items []servertest.Row }
			h.Get("/api/v1/alerts?limit=200&source="+source, &page)
			last := map[string]string{}
			for _, w := range want.Alerts {
				last[w.Fingerprint] = w.Status
			}
			if len(page.Items) != len(last) {
				t.Errorf("%s: %d alerts, want %d", name, len(page.Items), len(last))
			}
			for _, got := range page.Items {
				if got.Status != last[got.Fingerprint] || got.Name == "" || got.Severity == "" {
					t.Errorf("%s: %+v, want it %s", name, got, last[got.Fingerprint])
				}
			}
		}
		h.Rest()
		atRest(t, h, nil)
	})
}
