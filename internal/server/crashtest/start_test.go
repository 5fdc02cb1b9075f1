//go:build unix

package crashtest

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestKillFirstStart kills the hub while it makes its schema and its first rows, again and again, on the same database (I21).
func TestKillFirstStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	rounds := pick(2, 10)
	for engine, url := range map[string]func() string{
		"SQLite": func() string { return "" }, "Postgres": func() string { return testkit.DurablePostgres(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := row(t, "C24", engine, "kill -9 at the first start")
			for round := range rounds {
				h, r := newHub(t, url(), nil), newReceiver(t)
				random := rand.New(rand.NewPCG(uint64(round), 2))
				for n := range 6 {
					// Ever later, until the hub would be up.
					_, address := h.spawn()
					select {
					case <-time.After(time.Duration(n*50+random.IntN(50)) * time.Millisecond):
					case <-address:
					}
					h.kill()
				}
				h.start()
				h.tell(r)
				l := newLoad(h, rate())
				l.start(10)
				l.over.Wait()
				o := (&audit{hub: h, load: l, receiver: r}).check(t)
				once(t, h)
				c.faults(6)
				c.count(o)
				c.starts(h)
				h.kill()
			}
		})
	}
}

// TestTwoStarts starts two hubs at the same moment on the same fresh database: they migrate once, and both work.
func TestTwoStarts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C24", engine, "two first starts at once")
		one, r := newHub(t, url, map[string]string{"HUB_LEASE": ""}), newReceiver(t)
		two := newHub(t, url, map[string]string{"HUB_LEASE": "", "HUB_DATA_DIR": one.settings["HUB_DATA_DIR"]})
		started1, address1 := one.spawn()
		started2, address2 := two.spawn()
		took := max(one.await(started1, address1), two.await(started2, address2))
		c.within("both ready", took, 2*firstReadyIn)
		one.tell(r)
		loads := []*load{newLoad(one, 50), newLoad(two, 50)}
		loads[1].sent.Add(100_000) // other alerts
		for _, l := range loads {
			l.start(30)
		}
		for _, l := range loads {
			l.over.Wait()
		}
		refused, _ := loads[0].since()
		more, _ := loads[1].since()
		busy := refused[http.StatusServiceUnavailable] + more[http.StatusServiceUnavailable]
		loads[0].accepted = append(loads[0].accepted, loads[1].promises()...)
		o := (&audit{hub: one, load: loads[0], receiver: r}).check(t)
		once(t, one)
		if o.accepted+busy != 60 || long() && busy != 0 || o.repeats != 0 {
			t.Errorf("%d alerts of 60 accepted, %d refused, %d repeats", o.accepted, busy, o.repeats)
		}
		c.faults(1)
		c.count(o)
	})
}

// once checks that what a first start makes is there once.
func once(t *testing.T, h *hub) {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: h.database(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for what, q := range map[string]string{
		"migrations applied twice":    `SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version`,
		"default sources too many":    `SELECT count(*) - 1 FROM sources WHERE is_default`,
		"inboxes too many":            `SELECT count(*) - 1 FROM channels WHERE driver = 'inbox'`,
		"definitions twice":           `SELECT count(*) - count(DISTINCT name) FROM definitions`,
		"active definitions too many": `SELECT count(*) - 1 FROM definitions WHERE is_active`,
		"definitions without a version": `SELECT count(*) FROM definitions d WHERE NOT EXISTS (SELECT 1 FROM definition_versions v
			WHERE v.definition_id = d.id AND v.version = d.version)`,
	} {
		var n int64
		if err := db.Read(t.Context()).Raw(q).Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
