package server_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

func backtest(t *testing.T, h hub, b rehearsal.Backtest) *rehearsal.Report {
	t.Helper()
	if b.Since.IsZero() {
		b.Since = time.Now().Add(-time.Hour) //nolint:forbidigo // the hub under test has the real clock
	}
	r, err := h.Server.Backtest(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBacktestFirst(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		same := pipeline(obj{}, ingest("n"), notify("n", "ops"))
		h.Only("all", same)
		h.Send(servertest.Push(alert{Name: "A"}, alert{Name: "B", Severity: "warning"}))
		h.Send(servertest.Fire("A"))
		h.Rest()
		h.Send(servertest.Resolve("A"))
		h.Rest()
		rep := backtest(t, h, rehearsal.Backtest{Candidate: &rehearsal.Candidate{Name: "all", Config: raw(same)}})
		b, _ := json.MarshalIndent(rep, "", " ")
		t.Log(string(b))
		rep = backtest(t, h, rehearsal.Backtest{Candidate: &rehearsal.Candidate{Name: "all", Config: raw(pipeline(obj{"when": "severity == 'critical'"}, ingest("n"), notify("n", "ops")))}})
		b, _ = json.MarshalIndent(rep, "", " ")
		t.Log(string(b))
		_ = cmp.Diff
	})
}
