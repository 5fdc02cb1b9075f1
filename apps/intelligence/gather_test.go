package intelligence

import (
	"context"
	"errors"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
	"github.com/incidenthub/incidenthub/providers"
)

// finder finds evidence, or not.
type finder struct {
	calls chan string
	err   error
}

func (f finder) GatherFor(_ context.Context, tenant, traceID string, incident id.ID) (providers.Evidence, error) {
	f.calls <- tenant + " " + traceID + " " + incident.String()
	return providers.Evidence{Checks: []providers.Check{{Name: "disk", Status: "critical"}}, History: []providers.Past{{Title: "Before"}}, Alerts: []providers.Alert{{Name: "twice"}}}, f.err
}

// TestGather: evidence is looked for where a request wants it, and its own alerts stay; without it there is an analysis all the same.
func TestGather(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, r := service(t, db, set{"local": {name: "local", answer: says("L")}}, shelf{}, &notes{})
		f := finder{calls: make(chan string, 10)}
		s.gatherer = f
		for name, tt := range map[string]struct {
			r    Request
			want int
		}{
			"wanted":            {Request{IncidentID: known1, Gather: true}, 3},
			"a run's":           {Request{IncidentID: known1}, 1},
			"facts":             {Request{IncidentID: known1, Gather: true, FactsOnly: true}, 1},
			"of no incident":    {Request{Gather: true}, 0},
			"and more evidence": {Request{IncidentID: known1, Gather: true, Evidence: providers.Evidence{Checks: []providers.Check{{Name: "cpu", Status: "ok"}}}}, 4},
		} {
			tt.r.Tenant, tt.r.TraceID = "t1", "trace"
			got, err := s.Analyze(t.Context(), &tt.r)
			if err != nil {
				t.Fatal(err)
			}
			d, err := r.Run(t.Context(), "t1", got.ID)
			if err != nil || len(d.Evidence) != tt.want {
				t.Errorf("%s: %+v, %v", name, d.Evidence, err)
			}
		}
		if len(f.calls) != 2 || <-f.calls != "t1 trace "+known1.String() {
			t.Errorf("%d calls", len(f.calls))
		}
		s.gatherer = finder{calls: f.calls, err: errors.New("away")}
		if got, err := s.Analyze(t.Context(), &Request{Tenant: "t1", IncidentID: known1, Gather: true}); err != nil || got.Rung != providers.RungLocal {
			t.Errorf("without evidence: %+v, %v", got, err)
		}
	})
}
