package prompt

import (
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/providers"
)

func keyOf(t *testing.T, change func(r *providers.Request)) string {
	t.Helper()
	req := full("text", 2)
	req.Evidence.Alerts = req.Evidence.Alerts[:6] // one more has room
	req.Evidence.Alerts[0].Description = "at 2026-11-21T12:00:00.123Z, 12:00:00, 1795262400, trace 4bf92f3577b34da6a3ce929d0e0e4736, id 550e8400-e29b-41d4-a716-446655440000"
	change(req)
	_, b, err := Build(Input{Request: req})
	if err != nil {
		t.Fatal(err)
	}
	return string(b.Document)
}

func TestKey(t *testing.T) {
	t.Parallel()
	same := keyOf(t, func(*providers.Request) {})
	for _, s := range []string{"0199a000", "2026-11-21", "data-", `"id"`, "started_at", "4bf92f", "550e8400", "1795262400"} {
		if strings.Contains(same, s) {
			t.Errorf("%s is in the key:\n%s", s, same)
		}
	}
	for name, change := range map[string]func(r *providers.Request){
		"nothing": func(*providers.Request) {},
		"ids": func(r *providers.Request) {
			r.Incident.ID, r.Evidence.History[0].IncidentID = "other", "other"
		},
		"times": func(r *providers.Request) {
			r.Incident.StartedAt = noon.Add(time.Hour)
			r.Evidence.Alerts[0].StartedAt, r.Evidence.Changes[0].At, r.Evidence.History[0].ResolvedAt = noon.AddDate(0, 0, 1), noon, noon
			r.Evidence.History[0].Similarity = 0.5
		},
		"times and ids in texts": func(r *providers.Request) {
			r.Evidence.Alerts[0].Description = "at 2026-11-22T13:01:02Z, 13:01:02.5, 1795348800123, trace 00f067aa0ba902b700f067aa0ba902b7, id 650e8400-e29b-41d4-a716-446655440001"
		},
		"one more of a name": func(r *providers.Request) { r.Evidence.Alerts[1].Count++ },
	} {
		if got := keyOf(t, change); got != same {
			t.Errorf("%s: another key:\n%s\n%s", name, got, same)
		}
	}
	for name, change := range map[string]func(r *providers.Request){
		"a severity":          func(r *providers.Request) { r.Incident.Severity = "warning" },
		"a status":            func(r *providers.Request) { r.Incident.Status = "resolved" },
		"an alert's severity": func(r *providers.Request) { r.Evidence.Alerts[2].Severity = "critical" },
		"a check":             func(r *providers.Request) { r.Evidence.Checks[1].Status = "warning" },
		"a number of a check": func(r *providers.Request) { r.Evidence.Checks[0].Metrics["usage_percent"] = 12.5 },
		"a name":              func(r *providers.Request) { r.Evidence.Alerts[0].Name = "Other" },
		"a new name": func(r *providers.Request) {
			r.Evidence.Alerts = append(r.Evidence.Alerts, providers.Alert{Name: "New"})
		},
		"the order":            func(r *providers.Request) { a := r.Evidence.Alerts; a[0], a[1] = a[1], a[0] },
		"ten times as many":    func(r *providers.Request) { r.Evidence.Alerts[0].Count = 1000 },
		"a label":              func(r *providers.Request) { r.Evidence.Alerts[0].Labels["nr"] = "7" },
		"a hint":               func(r *providers.Request) { r.Hint = "in German" },
		"what operators know":  func(r *providers.Request) { r.Context = "a new machine" },
		"a change":             func(r *providers.Request) { r.Evidence.Changes[0].Title = "another" },
		"an earlier incident":  func(r *providers.Request) { r.Evidence.History[0].Summary = "a new disk" },
		"where it is":          func(r *providers.Request) { r.Incident.Description = "on 10.0.0.8:9100" },
		"how full it is, 1 GB": func(r *providers.Request) { r.Incident.Description = "1073741824 bytes left" },
	} {
		if keyOf(t, change) == same {
			t.Errorf("%s changed, and the key did not", name)
		}
	}
}

func TestMagnitude(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{-1: -1, 0: 0, 1: 1, 2: 2, 9: 2, 10: 10, 37: 10, 100: 100, 1 << 62: 100_000_000} {
		if got := magnitude(n); got != want {
			t.Errorf("magnitude(%d) = %d, want %d", n, got, want)
		}
	}
}
