package notify_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestLineOfOne: what waits in order is woken one after the other, in order: of a long line nobody looks at the rest each time that one is over.
func TestLineOfOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		const n = 40
		o := place("chat", channel.Spec{})
		hold := make(chan struct{})
		o.say = func(k int, m channel.Outgoing) channel.Result {
			if k == 1 {
				<-hold
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := startEngine(t, db, nil, o)
		x := e.about()
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { return len(o.all()) == 1 }, "nothing is sent")
		for seq := range int64(n) {
			e.tell(next(x, seq+2, event.EventAlertAdded))
		}
		run(t, db, `CREATE TABLE looks (ref uuid)`)
		if db.Engine() == storage.Postgres {
			run(t, db, `CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO looks VALUES (NEW.ref); RETURN NEW; END $$`)
			run(t, db, `CREATE TRIGGER look AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.kind = 'deliver' AND NEW.attempt > OLD.attempt) EXECUTE FUNCTION look()`)
		} else {
			run(t, db, `CREATE TRIGGER look AFTER UPDATE ON jobs FOR EACH ROW WHEN NEW.kind = 'deliver' AND NEW.attempt > OLD.attempt BEGIN INSERT INTO looks VALUES (NEW.ref); END`)
		}
		close(hold)
		e.rests(o)
		for k, m := range o.all() {
			if want := x.Incident.ID.String() + ":" + strconv.Itoa(k+1) + ":"; !strings.HasPrefix(m.IdemKey, want) {
				t.Errorf("message %d is %s", k+1, m.IdemKey)
			}
		}
		var looks int
		if err := db.Read(t.Context()).Raw(`SELECT count(*) FROM looks`).Scan(&looks).Error; err != nil || looks < n || looks > 3*n {
			t.Errorf("%d looks at a line of %d: %v", looks, n, err)
		}
	})
}
