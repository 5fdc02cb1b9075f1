package notify_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestTakenOverAtOnce: of two routes that take over what a third held back, in two processes at the same moment, one sends it.
func TestTakenOverAtOnce(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	o := place("ops", channel.Spec{Repeatable: true})
	e, other := startEngine(t, db, nil, o), startEngine(t, db, nil, o)
	x := e.about()
	x.Suppress = event.ReasonWhen
	e.tell(x)
	var looked, done sync.WaitGroup
	looked.Add(2)
	for _, by := range []*engine{e, other} {
		y := next(x, 1, event.EventOpened)
		y.Suppress, y.RunID, y.Channels = "", id.New(), []string{"*"}
		done.Go(func() {
			var once sync.Once
			by.in(func(tx *storage.Tx, b *notify.Batch) error {
				b.WantIncidents([]id.ID{y.Incident.ID}, nil)
				b.WantKeys([]*event.Tell{y})
				if err := tx.Flush(); err != nil {
					return err
				}
				once.Do(func() { looked.Done(); looked.Wait() })
				_, err := b.Tell(y)
				return err
			})
		})
	}
	done.Wait()
	r := e.rests(o)
	pause(t, 200*time.Millisecond)
	if len(r) != 1 || r[0].State != event.StateDelivered || len(o.all()) != 1 {
		t.Errorf("%d messages, %+v", len(o.all()), r)
	}
	var n int
	if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM messages`).Scan(&n).Error; err != nil || n != 1 {
		t.Errorf("%d messages are stored: %v", n, err)
	}
}

// TestLocksInOrder: who ends one incident and knows of another locks their deliveries in the order in which outcomes do, in one turn. In two turns he
// may wait for an outcome that waits for him.
func TestLocksInOrder(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.Postgres)
	o := place("ops", channel.Spec{})
	o.say = away
	e := startEngine(t, db, nil, o)
	first, second := e.about(), e.about()
	a, b := e.tell(first)[0].DeliveryID, e.tell(second)[0].DeliveryID
	testkit.Eventually(t, time.Minute, func() bool {
		r := e.rows(o)
		return len(r) == 2 && r[0].Attempts == 1 && r[1].Attempts == 1
	}, "not tried")
	turns, folded := 0, make(chan struct{})
	if err := db.InTx(t.Context(), func(ctx context.Context) error {
		lock := func(i id.ID) error {
			return db.From(ctx).Exec(`SELECT 1 FROM deliveries WHERE id = ? FOR UPDATE`, i).Error
		}
		if err := lock(a); err != nil {
			return err
		}
		go func() { //nolint:contextcheck // the transaction has its own
			defer close(folded)
			e.in(func(tx *storage.Tx, batch *notify.Batch) error {
				turns++
				batch.WantIncidents([]id.ID{first.Incident.ID, second.Incident.ID}, []id.ID{second.Incident.ID})
				return tx.Flush()
			})
		}()
		testkit.Eventually(t, time.Minute, func() bool { //nolint:contextcheck // it looks from outside of the transaction
			var n int
			err := db.Read(t.Context()).Raw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n).Error
			return err == nil && n > 0
		}, "nobody waits")
		return lock(b)
	}); err != nil {
		t.Errorf("an outcome waits in a circle: %v", err)
	}
	<-folded
	if turns != 1 {
		t.Errorf("the fold was done %d times: it waited in a circle", turns)
	}
}
