//go:build unix

package crashtest

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestOlderProgram lets the schema become a newer release's while this one works: it goes on, but does not start any more, and loses
// nothing. Where the schema is its own again, it starts.
func TestOlderProgram(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C24", engine, "releases N and N+1 together")
		h, r := newHub(t, url, nil), newReceiver(t)
		h.start()
		h.tell(r)
		l := newLoad(h, rate())
		w := newWitness(h, l, r)
		l.start(0)
		l.wait(t, 20)
		change := func(q string) { // by a connection that is gone afterwards
			t.Helper()
			db, err := storage.Open(t.Context(), storage.Config{URL: h.database(), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, patience, func() bool { return db.From(t.Context()).Exec(q).Error == nil }, q)
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
		change(`INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (20990101000000, ` + pickEngine(engine, "1", "true") + `, CURRENT_TIMESTAMP)`)
		l.wait(t, 20) // who runs already goes on
		late := newHub(t, url, map[string]string{"HUB_DATA_DIR": h.settings["HUB_DATA_DIR"]})
		refuses(t, late)
		l.wait(t, 20)
		l.end()
		h.kill()
		w.look(t)
		refuses(t, h)
		change(`DELETE FROM goose_db_version WHERE version_id = 20990101000000`)
		h.start()
		o := (&audit{hub: h, load: l, receiver: r, witness: w}).check(t)
		c.faults(2)
		c.count(o)
		c.within("at rest", o.rest, 0)
	})
}

func pickEngine(engine, sqlite, postgres string) string {
	if engine == "SQLite" {
		return sqlite
	}
	return postgres
}

// refuses starts a hub that must not work on its database.
func refuses(t *testing.T, h *hub) {
	t.Helper()
	_, address := h.spawn()
	select {
	case a := <-address:
		if a != "" {
			t.Errorf("it works on a newer schema at %s", a)
		}
	case <-time.After(patience):
		t.Error("it neither starts nor ends")
	}
	h.kill()
	if said := h.tail(2000); !strings.Contains(said, "newer than this program") {
		t.Errorf("it says:\n%s", said)
	}
}
