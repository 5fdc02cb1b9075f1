package intelligence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
	"github.com/incidenthub/incidenthub/providers"
)

// TestLast: the newest that concludes something counts, whether its provider answered or failed; facts, what still runs, and other incidents
// and tenants do not.
func TestLast(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		incident, other := id.New(), id.New()
		at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
		add := func(tenant string, about id.ID, status, rung, summary string, confidence any) {
			t.Helper()
			at = at.Add(time.Minute)
			err := db.From(t.Context()).Exec(`INSERT INTO analyses (id, tenant_id, incident_id, provider, status, rung, error_class, fallback_used, summary, probable_cause, confidence,
				recommendations, created_at) VALUES (?, ?, ?, 'claude', ?, ?, 'timeout', ?, ?, 'a cause', ?, ?, ?)`, id.New(), tenant, about, status, rung,
				rung == providers.RungLocal, summary, confidence, `[{"type":"disk","title":"Free space","actions":["rm"]}]`, at).Error
			if err != nil {
				t.Fatal(err)
			}
		}
		last := func(tenant string, about id.ID) (out *Analysis) {
			t.Helper()
			q := storage.NewQueue(db, storage.QueueOptions{Name: "last", Max: 1, Workers: 1}, func(tx *storage.Tx, _ []int) (err error) {
				out, err = Last(tx, tenant, about)
				return err
			})
			defer q.Stop()
			if err := q.DoThen(t.Context(), 1, func(error) {}); err != nil {
				t.Fatal(err)
			}
			return out
		}
		if got := last("t1", incident); got != nil {
			t.Errorf("nobody has analysed it: %+v", got)
		}
		add("t1", incident, StatusSucceeded, providers.RungFacts, "facts", nil)
		if got := last("t1", incident); got != nil {
			t.Errorf("the facts: %+v", got)
		}
		add("t1", incident, StatusSucceeded, providers.RungProvider, "first", 0.25)
		add("t1", incident, StatusFailed, providers.RungLocal, "second", nil)
		add("t1", incident, StatusSucceeded, providers.RungFacts, "facts", nil)
		add("t1", incident, StatusRunning, "", "", nil)
		add("t1", other, StatusSucceeded, providers.RungLocal, "other", 0.75)
		add("t2", incident, StatusSucceeded, providers.RungLocal, "theirs", nil)
		got := last("t1", incident)
		if got == nil || got.Summary != "second" || got.Rung != providers.RungLocal || !got.FallbackUsed || got.ErrorClass != "timeout" || got.Confidence != nil ||
			got.Provider != "claude" || got.ProbableCause != "a cause" || !got.StartedAt.Equal(time.Date(2026, 11, 20, 8, 3, 0, 0, time.UTC)) {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff([]providers.Recommendation{{Type: "disk", Title: "Free space", Actions: []string{"rm"}}}, got.Recommendations); diff != "" {
			t.Error(diff)
		}
		if got := last("t1", other); got == nil || got.Confidence == nil || *got.Confidence != 0.75 {
			t.Errorf("%+v", got)
		}
		add("t1", incident, StatusSucceeded, providers.RungProvider, "third", 1.0)
		if got := last("t1", incident); got == nil || got.Summary != "third" || got.FallbackUsed {
			t.Errorf("%+v", got)
		}
	})
}
