package notify_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestThrottleByOneClock: when there is room, and when that is looked for, goes by the database's clock, not by that of the process that plans.
func TestThrottleByOneClock(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"early": time.Hour, "late": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := elsewhere(t, dbtest.Postgres(t), by)
			o := narrow(t, db, "narrow", 1, time.Hour)
			e := startWith(t, db, setup{clock: off(by)}, o)
			e.tell(e.fires("*"))
			e.tell(e.fires("*"))
			e.rests(o)
			if n := e.number(`SELECT count(*) FROM jobs WHERE kind = 'throttle' AND due_at BETWEEN now() + interval '50 minutes' AND now() + interval '61 minutes'`); n != 1 {
				t.Error("it is not looked at when there is room")
			}
			o.limit(t, db, 1, 2*time.Second)
			run(t, db, `UPDATE jobs SET due_at = now() WHERE kind = 'throttle'`)
			e.service.Timers.Start()
			testkit.Eventually(t, 30*time.Second, func() bool { return len(o.all()) == 2 }, "it is not told when there is room")
			e.settled()
		})
	}
}

// TestChangesByOneClock: a changed channel is looked at within seconds, whatever the clock of the process says that changes it.
func TestChangesByOneClock(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t)
	db := elsewhere(t, url, time.Hour)
	s := channels(t, db)
	in := generic("ops", `{"endpoint":"https://a.example"}`)
	in.Throttle = notify.Throttle{Messages: 2, Per: time.Hour}
	create(t, s, in)
	in.Throttle.Messages = 3
	if _, err := s.Update(t.Context(), tenant, "ops", 0, in); err != nil {
		t.Fatal(err)
	}
	var soon bool
	if err := db.Read(t.Context()).Raw(`SELECT due_at < now() + interval '10 seconds' FROM jobs WHERE kind = 'throttle'`).Scan(&soon).Error; err != nil || !soon {
		t.Errorf("it is not looked at soon; %v", err)
	}
}
