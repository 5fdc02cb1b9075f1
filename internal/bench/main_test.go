//go:build unix

package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/bench/target"
)

func TestParse(t *testing.T) {
	t.Parallel()
	sqlite, postgres := form{engine: target.SQLite}, form{engine: target.Postgres}
	all := []form{sqlite, postgres, {target.Scaled, 1}, {target.Scaled, 2}, {target.Scaled, 4}}
	for name, tt := range map[string]struct {
		args string
		want options
		err  string
	}{
		"nothing":        {"", options{forms: all, seconds: 4, clients: 64}, ""},
		"one engine":     {"--engine postgres --alerts 100", options{forms: []form{postgres}, seconds: 4, clients: 64, alerts: 100}, ""},
		"one load":       {"--only accept --clients 2", options{forms: all, seconds: 4, clients: 2, only: "accept"}, ""},
		"workers":        {"--workers 3", options{forms: []form{sqlite, postgres, {target.Scaled, 3}}, seconds: 4, clients: 64}, ""},
		"scaled":         {"--engine scaled --workers 2,0,2", options{forms: []form{{target.Scaled, 2}, {target.Scaled, 0}}, seconds: 4, clients: 64}, ""},
		"no number":      {"--workers 1,,2", options{}, "not \"1,,2\""},
		"many workers":   {"--workers 13", options{}, "0 to 12"},
		"no such engine": {"--engine mysql", options{}, `not "mysql"`},
		"no such load":   {"--only pace", options{}, `not "pace"`},
		"no client":      {"--clients 0", options{}, "at least 1"},
		"too many":       {"--fresh 99999999", options{}, "at most"},
		"more":           {"sqlite", options{}, "nothing else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(strings.Fields(tt.args), io.Discard)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(options{}, form{})); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestRunRefusesBadFlags(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	if code := run([]string{"--engine", "mysql"}, io.Discard, &stderr); code != exitUsage || !strings.HasPrefix(stderr.String(), "bench: --engine") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	two := form{target.Scaled, 2}.String()
	r := Report{
		Machine:  Machine{Cores: 2, CPU: "A chip", Postgres: "15.1", Redis: "7.2"},
		Standing: []Standing{{Engine: "sqlite", ReadyMedian: 80, ReadyWorst: 90, Resident: 40 << 20}, {Engine: "postgres"}, {Engine: two}},
		Stages: []Figures{
			{Engine: "sqlite", Stage: stageAccept, AcceptRate: 12345.6, AcceptP50: 1.25, AcceptP99: 9, Alerts: 1000, Balanced: true},
			{Engine: "postgres", Stage: stageTell, EndToEndRate: 999, HubCPU: 100.4, DatabaseCPU: 50.2, Alerts: 2000, Lost: 2, Problems: []string{"2 alerts lost"}},
			{Engine: two, Stage: stageUp, AcceptRate: 2000},
			{Engine: two, Stage: stageDown, AcceptRate: 1900, ResidentBefore: 40 << 20, ResidentAfter: 50 << 20},
			{Engine: two, Stage: stageStillDown, AcceptRate: 1800, ResidentAfter: 51 << 20, HubCPU: 1, WorkersCPU: 2, DatabaseCPU: 3, RedisCPU: 4},
		},
	}
	got := r.markdown()
	for _, want := range []string{
		"2 cores (A chip)", "PostgreSQL 15.1, fsync on", "Redis 7.2, AOF", "| figure | sqlite | postgres | scaled, 2 workers | aim |",
		"| durable accepts/s, direct pipeline + inbox | 12,346 | – | – | >= 8,000 |", "| … p50 / p99 ms | 1.2 / 9.0 | – | – |",
		"| alert to receiver/s, drain included | – | 999 | – | >= 3,500 |", "| 100 + 50 = 151 |",
		"| start to ready on existing data, ms (worst of 5) | 80 (90) | – | – | < 150 |",
		"| receiver down: accepts/s (of normal) | – | – | 1,850 (92 %) | >= 90 % |", "| – | – | 40, 50, 51 | flat |", "| – | – | 1 + 2 + 3 + 4 = 10 |",
		"| sqlite: accept | 1,000 | 0 | 0 | balanced |", "| postgres: end-to-end | 2,000 | 2 | 0 | NOT BALANCED |", "FAILED: postgres, end-to-end: 2 alerts lost",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "nothing lost") {
		t.Error("says that nothing was lost although something was")
	}
}
