package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/cli"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	queues := func(late, rings, doorbell string) string {
		return `{"at":"2026-03-01T12:00:00Z","queues":[{"name":"ingest","due":0,"later":0,"oldest_due_at":null,"rings":` + rings + `},
			{"name":` + text(hostile) + `,"due":10000,"due_more":true,"later":7,"held":3,"expired":2,"rescued":1,"oldest_due_at":"2026-03-01T11:00:00Z","late":` + late + `,"rings":` + rings + `}],
			"doorbell":` + doorbell + `}`
	}
	for name, tt := range map[string]struct {
		answer    string
		says, not []string
	}{
		"no Redis": {
			queues("false", "null", `{"kind":"local","away":"","processes":[]}`),
			[]string{"10000+", "d ago", "No Redis: the doorbell is in the process"},
			[]string{"is late", "\x1b", "Processes that"},
		},
		"Redis": {
			queues("true", `{"pending":4,"processed":321}`, `{"kind":"redis","away":"","processes":[{"host":"hub-1","pid":77,"queues":["ingest","notify"],"started_at":"2026-03-01T11:00:00Z"}]}`),
			[]string{"321", "is late: its oldest due work", "hub-1", "ingest, notify"},
			[]string{"No Redis", "\x1b"},
		},
		"away": {
			queues("true", "null", `{"kind":"redis","away":"Redis is away since 12:00: connection refused","processes":[]}`),
			[]string{"Redis is away since 12:00: connection refused. Processes look for work"},
			[]string{"No Redis", "Processes that"},
		},
		"nobody": {queues("false", "null", `{"kind":"redis","away":"","processes":[]}`), []string{"Processes that Redis wakes\nNone."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, map[string]string{"GET /api/v1/queues": tt.answer})
			s := newShell(t)
			s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
			got := s.ok(t, "", "queues")
			for _, want := range tt.says {
				if !strings.Contains(got, want) {
					t.Errorf("without %q:\n%s", want, got)
				}
			}
			for _, no := range tt.not {
				if strings.Contains(got, no) {
					t.Errorf("with %q:\n%s", no, got)
				}
			}
			var raw map[string]any
			if decode(t, s.ok(t, "", "queues", "--json"), &raw); raw["doorbell"] == nil {
				t.Errorf("%v", raw)
			}
		})
	}
}

func TestQueueRows(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{
		"GET /api/v1/queues/notify/jobs": `{"items":[{"kind":"deliver","ref":"d-1","node":"","state":"expired","due_at":"2026-03-01T12:00:00Z","attempt":4,"failures":2,"rescues":1,"about":"delivery"},
			{"kind":"x","ref":"r-2","node":` + text(hostile) + `,"state":"due","due_at":"2026-03-01T12:00:00Z","about":""}],"next_cursor":"c2"}`,
		"GET /api/v1/queues/ingest/jobs": `{"items":[],"next_cursor":""}`,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	got := s.ok(t, "", "queues", "notify", "--state", "due", "--newest", "--limit", "2", "--cursor", "c1")
	for _, want := range []string{"expired", "delivery d-1", "r-2", "--cursor c2"} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q:\n%s", want, got)
		}
	}
	if want := "GET /api/v1/queues/notify/jobs?cursor=c1&limit=2&order=newest&state=due"; !slices.Contains(a.asked, want) {
		t.Errorf("asked %q", a.asked)
	}
	if got := s.ok(t, "", "queues", "ingest"); got != "Nothing is here.\n" {
		t.Errorf("%q", got)
	}
	if r := s.run(t, "", "queues", "notify", "--state", "lost"); r.code != cli.ExitUsage {
		t.Errorf("an unknown state: %+v", r)
	}
}
