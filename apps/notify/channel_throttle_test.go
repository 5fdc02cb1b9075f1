package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestChannelThrottle(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		count := func(sql string, args ...any) (n int) {
			if err := db.Read(t.Context()).Raw("SELECT count(*) FROM "+sql, args...).Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		in := generic("ops", `{"endpoint":"https://ops.example/x"}`)
		in.Throttle = notify.Throttle{Messages: 3, Per: 10 * time.Minute}
		c := create(t, s, in)
		if c.ThrottleMessages != 3 || c.ThrottlePerS != 600 || notify.InputOf(c).Throttle != in.Throttle {
			t.Fatalf("made %+v", c)
		}
		live, err := s.Active(t.Context())
		if err != nil || live[0].Throttle != in.Throttle {
			t.Fatalf("live %+v, %v", live, err)
		}
		if n := count("jobs"); n != 0 {
			t.Errorf("%d jobs for a new channel", n)
		}
		for _, step := range []struct {
			name     string
			messages int
			per      time.Duration
			active   bool
			jobs     int
		}{
			{"wider", 700, time.Hour, true, 1},
			{"narrower", 2, time.Hour, true, 1},
			{"longer", 2, 24 * time.Hour, true, 1},
			{"as it is", 2, 24 * time.Hour, true, 0},
			{"idle", 4, time.Second, false, 0},
			{"active", 4, time.Second, true, 1},
			{"taken away", 0, 0, true, 1},
			{"none, as it is", 0, 0, true, 0},
			{"again", 1, time.Minute, true, 1},
		} {
			run(t, db, `DELETE FROM jobs`)
			in.Throttle, in.IsActive = notify.Throttle{Messages: step.messages, Per: step.per}, step.active
			got, err := s.Update(t.Context(), tenant, "ops", 0, in)
			if err != nil || notify.InputOf(got).Throttle != in.Throttle {
				t.Fatalf("%s: %+v, %v", step.name, got, err)
			}
			if n := count("throttle_slots WHERE channel_id = ? AND slot < ?", c.ID, step.messages); n != step.messages || count("throttle_slots") != n {
				t.Errorf("%s: %d messages may be sent, want %d", step.name, count("throttle_slots"), step.messages)
			}
			if n := count("jobs WHERE kind = ? AND ref = ? AND queue = 'timers'", notify.JobThrottle, c.ID); n != step.jobs {
				t.Errorf("%s: %d jobs, want %d", step.name, n, step.jobs)
			}
		}
		run(t, db, `INSERT INTO throttle_holds (channel_id, incident_id, tenant_id, event_seq, held_at, look_at) VALUES (?, ?, ?, 1, ?, ?)`, c.ID, id.New(), tenant, started, started)
		if err := s.Delete(t.Context(), tenant, "ops"); err != nil {
			t.Fatal(err)
		}
		if n := count("throttle_slots") + count("throttle_holds"); n != 0 {
			t.Errorf("%d rows of a channel that is deleted", n)
		}
	})
}

func TestThrottlesRefused(t *testing.T) {
	t.Parallel()
	s := channels(t, dbtest.Open(t, storage.SQLite))
	for name, tt := range map[string]struct {
		driver   string
		messages int
		per      time.Duration
		want     []string
	}{
		"no time":         {"generic", 5, 0, []string{"throttle.per"}},
		"a time alone":    {"generic", 0, time.Hour, []string{"throttle.messages"}},
		"below zero":      {"generic", -1, -1, []string{"throttle.messages", "throttle.per"}},
		"too many":        {"generic", notify.MaxThrottleMessages + 1, time.Hour, []string{"throttle.messages"}},
		"too long":        {"generic", 1, notify.MaxThrottlePer + time.Second, []string{"throttle.per"}},
		"too short":       {"generic", 1, time.Second - 1, []string{"throttle.per"}},
		"fractions":       {"generic", 1, time.Second + time.Millisecond, []string{"throttle.per"}},
		"stays in a hub":  {"inbox", 1, time.Second, []string{"throttle.messages"}},
		"the least of it": {"generic", 1, time.Second, nil},
		"the most of it":  {"generic", notify.MaxThrottleMessages, notify.MaxThrottlePer, nil},
	} {
		in := generic("of "+name, `{"endpoint":"https://a.example/x"}`)
		if in.Driver = tt.driver; tt.driver == "inbox" {
			in.Config = []byte(`{}`)
		}
		in.Throttle = notify.Throttle{Messages: tt.messages, Per: tt.per}
		_, err := s.Create(t.Context(), tenant, in)
		if diff := cmp.Diff(tt.want, fieldsOf(err)); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
