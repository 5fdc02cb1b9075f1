//go:build unix

package crashtest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// check waits until the fleet is at rest and counts.
func (f *fleet) check(t *testing.T, loads ...*load) outcome {
	t.Helper()
	all := newLoad(f.servers[0], 1)
	for _, l := range loads {
		all.accepted = append(all.accepted, l.promises()...)
	}
	a := &audit{hub: f.servers[0], load: all, receiver: f.receiver}
	db, err := storage.Open(t.Context(), storage.Config{URL: f.postgres.URL(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	l := a.rest(t, db)
	o := outcome{accepted: len(all.accepted), counts: l.Counts, rest: max(0, a.idle.Sub(began)), onWay: f.onWay}
	o.lost = a.stored(t, db, l) + a.delivered(t, db)
	o.repeats, o.unexplained = f.explain(t, db)
	return o
}

// explain finds a reason for every repeat of a key: an attempt that is booked as failed, or a fault while it was on its way. It returns how
// many came that the receiver had not refused before, and of how many keys that is not explained.
func (f *fleet) explain(t *testing.T, db *storage.DB) (repeats, unexplained int) {
	t.Helper()
	var rows []struct {
		IdemKey        string
		Attempts, Done int
	}
	if err := db.Read(t.Context()).Raw(`SELECT d.idem_key,
		(SELECT count(*) FROM message_attempts a WHERE a.message_id = d.message_id) AS attempts,
		(SELECT count(*) FROM message_attempts a WHERE a.message_id = d.message_id AND a.verdict = 'done') AS done
		FROM` + toldElsewhere).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	odd := map[string]bool{}
	fault := func(key, format string, args ...any) {
		if odd[key] = true; len(odd) < 10 {
			t.Errorf("%s: "+format, append([]any{key}, args...)...)
		}
	}
	trails := f.receiver.came()
	for _, r := range rows {
		trail := trails[r.IdemKey]
		delete(trails, r.IdemKey)
		if r.Done != 1 {
			fault(r.IdemKey, "%d attempts are stored as done", r.Done)
		}
		if len(trail) > r.Attempts+f.cut[r.IdemKey] {
			fault(r.IdemKey, "it came %d times; %d attempts are stored, and %d faults found it on its way", len(trail), r.Attempts, f.cut[r.IdemKey])
		}
		if had, ok := f.booked[r.IdemKey]; ok && len(trail) != had {
			fault(r.IdemKey, "it came %d times, only %d of them before its end was found stored", len(trail), had)
		}
		repeats += again(trail)
		for n, v := range trail {
			last := n == len(trail)-1
			if !last && !v.refused && r.Attempts == 1 && v.process != 0 && !f.hit[v.process] && !f.shaken[r.IdemKey] {
				fault(r.IdemKey, "%s sent it and was neither killed nor stopped, and it came again", f.names[v.process])
			}
		}
	}
	for key, trail := range trails {
		fault(key, "it came %d times, and the database does not know it", len(trail))
	}
	return repeats, len(odd)
}
