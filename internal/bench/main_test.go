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
	both := []string{target.SQLite, target.Postgres}
	for name, tt := range map[string]struct {
		args string
		want options
		err  string
	}{
		"nothing":        {"", options{engines: both, seconds: 10, clients: 64}, ""},
		"one engine":     {"--engine postgres --alerts 100", options{engines: both[1:], seconds: 10, clients: 64, alerts: 100}, ""},
		"one load":       {"--only accept --clients 2", options{engines: both, seconds: 10, clients: 2, only: "accept"}, ""},
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
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(options{})); err != nil || diff != "" {
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
	r := Report{
		Machine:  Machine{Cores: 2, CPU: "A chip", Postgres: "15.1"},
		Standing: []Standing{{Engine: "sqlite", ReadyMedian: 80, ReadyWorst: 90, Resident: 40 << 20}, {Engine: "postgres"}},
		Stages: []Figures{
			{Engine: "sqlite", Stage: stageAccept, AcceptRate: 12345.6, AcceptP50: 1.25, AcceptP99: 9},
			{Engine: "postgres", Stage: stageTell, EndToEndRate: 999, HubCPU: 100.4, DatabaseCPU: 50.2, Problems: []string{"2 alerts lost"}},
		},
	}
	got := r.markdown()
	for _, want := range []string{
		"2 cores (A chip)", "PostgreSQL 15.1, fsync on", "| figure | sqlite | postgres | aim |",
		"| durable accepts/s, direct pipeline + inbox | 12,346 | – | >= 6,000 |", "| … p50 / p99 ms | 1.2 / 9.0 | – |",
		"| alert to receiver/s, drain included | – | 999 | >= 2,500 |", "| 100 + 50 = 151 |",
		"| start to ready on existing data, ms (worst of 5) | 80 (90) | – | < 150 |", "FAILED: postgres, end-to-end: 2 alerts lost",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "nothing lost") {
		t.Error("says that nothing was lost although something was")
	}
}
