package graph

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
)

func TestTriggerMatch(t *testing.T) {
	t.Parallel()
	subject := func() *Subject {
		return &Subject{
			On: TriggerWebhook, Entry: "prod", Source: "alertmanager", Origin: "incoming_webhook", Now: time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC),
			Alert: event.Observation{
				Name: "HighCPU", Status: event.StatusFiring, Severity: event.SeverityCritical,
				Labels: map[string]string{"env": "prod", "instance": "web-01", "team": "ops"},
			},
		}
	}
	for name, tt := range map[string]struct {
		trigger string
		change  func(*Subject)
		reason  string // "" for a match, else a part of the reason
	}{
		"all defaults":        {`{}`, nil, ""},
		"other kind":          {`{"on":"monitor"}`, nil, `on is "webhook", wanted monitor`},
		"one of two kinds":    {`{"on":["check","webhook"]}`, nil, ""},
		"the other of them":   {`{"on":["webhook","check"]}`, func(s *Subject) { s.On = TriggerCheck }, ""},
		"none of two kinds":   {`{"on":["monitor","check","check"]}`, nil, `on is "webhook", wanted monitor or check`},
		"a list of one":       {`{"on":["webhook"]}`, nil, ""},
		"no word":             {`{"on":""}`, nil, ""},
		"entry":               {`{"sources":["test","prod"]}`, nil, ""},
		"any entry":           {`{"sources":["*"]}`, nil, ""},
		"other entry":         {`{"sources":["test"]}`, nil, `source entry is "prod", wanted one of "test"`},
		"every field":         {`{"match":[{"field":"source","op":"is","value":"alertmanager"},{"field":"entry","op":"is","value":"prod"},{"field":"severity","op":"in","value":["critical"]},{"field":"status","op":"is-not","value":"resolved"},{"field":"instance","op":"is","value":"web-01"},{"field":"origin","op":"is","value":"incoming_webhook"},{"field":"name","op":"matches","value":"^High"},{"field":"label:team","op":"not-in","value":["dev"]},{"field":"labels.env","op":"not-matches","value":"^test"}]}`, nil, ""},
		"one field misses":    {`{"match":[{"field":"label:env","op":"is","value":"prod"},{"field":"label:team","op":"in","value":["dev","qa"]}]}`, nil, `label:team is "ops", wanted in [dev qa]`},
		"missing label":       {`{"match":[{"field":"label:x","op":"is","value":"y"}]}`, nil, `label:x is "", wanted is y`},
		"number as text":      {`{"match":[{"field":"label:n","op":"is","value":3}]}`, func(s *Subject) { s.Alert.Labels["n"] = "3" }, ""},
		"severity not given":  {`{"match":[{"field":"severity","op":"is","value":"warning"}],"when":"alert.severity == 'warning'"}`, func(s *Subject) { s.Alert.Severity = "" }, ""},
		"name not given":      {`{"when":"name == 'Unknown Alert'"}`, func(s *Subject) { s.Alert.Name = " " }, ""},
		"when":                {`{"when":"labels.env == 'prod' and alert.labels.team == 'ops' and now.Hour() == 22 and instance == 'web-01'"}`, nil, ""},
		"when is false":       {`{"when":"labels.env == 'test'"}`, nil, "when is false: labels.env == 'test'"},
		"when fails":          {`{"when":"labels.none > 3"}`, nil, "could not be evaluated, so it does not match"},
		"when without labels": {`{"when":"(labels.env ?? 'x') == 'x'"}`, func(s *Subject) { s.Alert.Labels = nil }, ""},
		"incident event": {`{"on":"incident","events":["opened"],"when":"incident.severity == 'critical' and event == 'opened'"}`, func(s *Subject) {
			s.On, s.Event, s.Incident = TriggerIncident, "opened", map[string]any{"severity": "critical"}
		}, ""},
		"other incident": {`{"on":"incident","events":["opened"]}`, func(s *Subject) { s.On, s.Event = TriggerIncident, "resolved" }, `event is "resolved", wanted one of "opened"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := Load([]byte(triggered(tt.trigger)), Builtin(Known{}))
			if err != nil {
				t.Fatal(err)
			}
			s := subject()
			if tt.change != nil {
				tt.change(s)
			}
			yes, miss := g.Trigger.Match(context.Background(), s)
			if yes != (tt.reason == "") || !strings.Contains(miss.Reason(), tt.reason) || yes != (miss == Miss{}) {
				t.Errorf("got %v, %q; want %q", yes, miss.Reason(), tt.reason)
			}
		})
	}
}

func TestTriggerDefaultsAndSettings(t *testing.T) {
	t.Parallel()
	g, err := Load([]byte(`{"version":"1.0","nodes":[{"id":"a","type":"ingest"}]}`), Builtin(Known{}))
	if err != nil {
		t.Fatal(err)
	}
	if tr := g.Trigger; !slices.Equal(tr.On, []string{TriggerWebhook}) || tr.Priority != 100 || tr.Continue || tr.Discard {
		t.Errorf("defaults: %+v", tr)
	}
	g, err = Load([]byte(`{"version":"1.0","trigger":{"priority":-5,"discard":true}}`), Builtin(Known{}))
	if err != nil {
		t.Fatal(err)
	}
	if tr := g.Trigger; tr.Priority != -5 || !tr.Discard {
		t.Errorf("settings: %+v", tr)
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ cron, zone, want string }{
		"utc":       {"30 8 * * *", "", "2026-07-01T08:30:00Z"},
		"zone":      {"30 8 * * *", "Europe/Berlin", "2026-07-01T06:30:00Z"},
		"every":     {"@every 5m", "", "2026-07-01T00:05:00Z"},
		"weekday":   {"0 9 * * MON", "", "2026-07-06T09:00:00Z"},
		"each five": {"*/5 * * * *", "", "2026-07-01T00:05:00Z"},
	} {
		s, err := ParseSchedule(tt.cron, tt.zone)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.Next(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)).Format(time.RFC3339); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func BenchmarkTriggerMatch(b *testing.B) {
	g, err := Load([]byte(triggered(`{"match":[{"field":"severity","op":"in","value":["critical","warning"]},{"field":"label:env","op":"is","value":"prod"}]}`)), Builtin(Known{}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s := &Subject{On: TriggerWebhook, Entry: "default", Alert: event.Observation{Severity: event.SeverityCritical, Labels: map[string]string{"env": "prod"}}}
		if yes, miss := g.Trigger.Match(context.Background(), s); !yes {
			b.Fatal(miss.Reason())
		}
	}
}
