package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// scheduled makes a definition with a schedule the only active one.
func (c *core) scheduled(t *testing.T, cron string) {
	t.Helper()
	if _, err := c.definitions.SetActive(t.Context(), tenant, "direct", false, "test"); err != nil {
		t.Fatal(err)
	}
	c.define(t, "timed", fmt.Sprintf(`{"version":"1.0","trigger":{"on":"schedule","cron":%q},"nodes":[{"id":"in","type":"ingest"}]}`, cron))
}

// firings are the slots of the table, which must be those of the runs, each with the one that it names.
func (c *core) firings(t *testing.T) (slots []string) {
	t.Helper()
	var rows []struct {
		Slot    time.Time
		FiredAt time.Time
		Output  string
		Runs    int // at the same moment
	}
	sql := `SELECT s.slot, s.fired_at, CAST(n.output AS text) AS output, (SELECT COUNT(*) FROM runs WHERE origin = 'schedule') AS runs FROM schedule_slots s JOIN runs r ON r.id = s.run_id JOIN node_runs n ON n.run_id = r.id
		WHERE r.origin = 'schedule' ORDER BY s.slot`
	if err := c.db.Read(t.Context()).Raw(sql).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Runs != len(rows) {
			t.Errorf("%d runs for %d slots", r.Runs, len(rows))
		}
		var out orchestration.IngestOutput
		if err := json.Unmarshal([]byte(r.Output), &out); err != nil || !out.Slot.Equal(r.Slot) {
			t.Errorf("the run of slot %s says %s (%v)", r.Slot, r.Output, err)
		}
		if late := r.FiredAt.Sub(r.Slot); late < 0 || out.Late > late.Seconds()+1 {
			t.Errorf("slot %s was fired %s late, and its run says %f s", r.Slot, late, out.Late)
		}
		slots = append(slots, r.Slot.UTC().Format("02T15:04:05"))
	}
	return slots
}

// after waits until a number of slots have fired, and a little longer for those that must not.
func (c *core) after(t *testing.T, want ...string) {
	t.Helper()
	testkit.Eventually(t, time.Minute, func() bool { return len(c.firings(t)) >= len(want) }, "the schedule does not fire")
	time.Sleep(1300 * time.Millisecond) // what must not happen can only be waited for: more than a turn
	if got := c.firings(t); !slices.Equal(got, want) {
		t.Fatalf("fired: %s\nwant:  %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// TestScheduleClockSet: whatever is done to the clock, no slot is fired twice, and what was missed is fired once, not one by one.
func TestScheduleClockSet(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02T15:04:05", "2026-11-"+text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	now := clock.At(at("20T09:40:00"))
	c := startCoreWith(t, t.TempDir()+"/hub.db", nil, coreOptions{clock: now})
	c.scheduled(t, "*/30 * * * *")
	c.after(t) // 09:30 was before there was a schedule
	now.Set(at("20T10:00:00"))
	c.after(t, "20T10:00:00")
	now.Set(at("20T09:10:00"))
	c.after(t, "20T10:00:00")
	now.Set(at("20T10:00:01"))
	c.after(t, "20T10:00:00")
	now.Set(at("20T10:59:59"))
	c.after(t, "20T10:00:00", "20T10:30:00")
	now.Set(at("21T13:50:00")) // a day and more: only the newest
	c.after(t, "20T10:00:00", "20T10:30:00", "21T13:30:00")
	now.Set(at("20T11:00:02")) // and back
	c.after(t, "20T10:00:00", "20T10:30:00", "20T11:00:00", "21T13:30:00")
	now.Set(at("21T13:30:05"))
	c.after(t, "20T10:00:00", "20T10:30:00", "20T11:00:00", "21T13:30:00")

	set := func(active bool) {
		if _, err := c.definitions.SetActive(t.Context(), tenant, "timed", active, "test"); err != nil {
			t.Fatal(err)
		}
	}
	set(false)
	now.Set(at("21T14:00:10"))
	c.after(t, "20T10:00:00", "20T10:30:00", "20T11:00:00", "21T13:30:00")
	set(true)
	c.after(t, "20T10:00:00", "20T10:30:00", "20T11:00:00", "21T13:30:00")
	now.Set(at("21T14:30:10"))
	c.after(t, "20T10:00:00", "20T10:30:00", "20T11:00:00", "21T13:30:00", "21T14:30:00")
	if err := c.definitions.SoftDelete(t.Context(), tenant, "timed"); err != nil {
		t.Fatal(err)
	}
	now.Set(at("21T15:00:10"))
	c.after(t, "20T10:00:00", "20T10:30:00", "20T11:00:00", "21T13:30:00", "21T14:30:00")
}

// wrong is a clock that is always wrong by as much.
type wrong time.Duration

func (w wrong) Now() time.Time { return clock.System().Now().Add(time.Duration(w)) }

// TestScheduleOncePerSlot: three processes on one database, of which two have wrong clocks, fire each slot once and on time, also after
// one of them has gone, and what was missed while none was there is fired once.
func TestScheduleOncePerSlot(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t)
	env := map[string]string{"HUB_SECRET_KEY": strings.Repeat("slots ", 8)}
	good := startCoreWith(t, url, env, coreOptions{})
	fast := startCoreWith(t, url, env, coreOptions{clock: wrong(time.Hour)})
	startCoreWith(t, url, env, coreOptions{clock: wrong(-time.Hour)})
	before := time.Now() // also by the database: it is one machine
	fast.scheduled(t, "@every 10s")
	after := time.Now()
	testkit.Eventually(t, 2*time.Minute, func() bool { return len(good.firings(t)) >= 2 }, "the schedule does not fire")
	good.scheduler.Stop() // one of three has gone
	least := len(good.firings(t)) + 1
	testkit.Eventually(t, 2*time.Minute, func() bool { return len(good.firings(t)) >= least }, "the schedule does not fire without one of its processes")
	got := good.firings(t)
	from := func(when time.Time) (want []string) { // the slots that follow
		for slot := when.UTC().Truncate(10 * time.Second).Add(10 * time.Second); len(want) < len(got); slot = slot.Add(10 * time.Second) {
			want = append(want, slot.Format("02T15:04:05"))
		}
		return want
	}
	if want := from(before); !slices.Equal(got, want) && !slices.Equal(got, from(after)) { // it was made between the two
		t.Errorf("fired %v, want %v", got, want)
	}
	d, err := good.definitions.Get(t.Context(), tenant, "timed")
	if err != nil {
		t.Fatal(err)
	}
	s, err := good.definitions.Schedule(t.Context(), d)
	if err != nil || s == nil || s.Next == nil || len(s.Last) < len(got) || s.Next.Sub(s.Last[0].Slot) > 20*time.Second {
		t.Errorf("its schedule: %+v, %v", s, err)
	}
	for _, l := range s.Last {
		if late := l.FiredAt.Sub(l.Slot); late > 5*time.Second {
			t.Errorf("slot %s was fired %s late", l.Slot, late)
		}
	}
}
