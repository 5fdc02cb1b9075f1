package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestCanceledTellsEnds: who cancels a run holds back what that told, and not the end of the incident, which goes by state: whoever was told hears it,
// whatever becomes of the run that waits for it.
func TestCanceledTellsEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("pager", channel.Spec{Repeatable: true})
		hold := make(chan struct{})
		o.say = func(n int, _ channel.Outgoing) channel.Result {
			if n == 1 {
				<-hold
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := startEngine(t, db, nil, o)
		x := e.about()
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 1 }, "nothing was sent")
		e.tell(next(x, 2, event.EventAlertAdded)) // of another run: it stays
		theRun, other := id.New(), next(x, 3, event.EventAlertAdded)
		other.RunID, other.DefinitionID, other.Node = theRun, id.New(), "tell"
		e.tell(other)
		end := next(x, 4, event.EventResolved)
		end.RunID, end.Incident.Status = theRun, event.IncidentResolved
		waiting := []event.Waiter{{RunID: theRun, DefinitionID: other.DefinitionID}}
		if n := e.byState(end, func(b *notify.Batch, t *event.Tell) int { return b.Resolve(t, waiting) }); n != 1 {
			t.Fatalf("%d are told of the end", n)
		}
		e.in(func(tx *storage.Tx, b *notify.Batch) error {
			b.WantRuns([]id.ID{theRun})
			if err := tx.Flush(); err != nil {
				return err
			}
			b.HoldRun(theRun, event.ReasonCanceled)
			return nil
		})
		close(hold)
		r := e.rests(o)
		if diff := cmp.Diff([]channel.Kind{fired, ended}, o.kinds()); diff != "" {
			t.Errorf("%+v\n%s", r, diff)
		}
	})
}
