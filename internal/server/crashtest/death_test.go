//go:build unix

package crashtest

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// witness looks at a hub each time it is dead, before it is started again, and holds what its database says against what the receiver
// has. No clock comes into it: each delivery was booked when the hub died, or on its way, or not begun.
type witness struct {
	hub      *hub
	load     *load
	receiver *receiver

	onWay  int              // deliveries on their way when the hub died, of all deaths
	most   int              // of one death
	booked map[string]int   // by key: how often it had come when its end was found stored; it must not come again
	open   map[string]int   // by key: how often it had come at the last death before its end; it must come again
	cut    map[string]int   // by key: deaths while it was on its way, each of which explains one repeat
	tokens map[string]id.ID // by key: the lease under which it was last found on its way
	broken map[string]bool  // what was said already: a fault is there at every later death
	odd    map[string]bool  // keys that came more often than there is a reason for
}

func newWitness(h *hub, l *load, r *receiver) *witness {
	return &witness{
		hub: h, load: l, receiver: r, booked: map[string]int{}, open: map[string]int{}, cut: map[string]int{}, tokens: map[string]id.ID{},
		broken: map[string]bool{}, odd: map[string]bool{},
	}
}

// notified is a delivery in the database of a hub that is dead.
type notified struct {
	IdemKey  string
	State    string
	Attempts int
	Queued   bool  // its job is there
	Token    id.ID // of whoever holds that
}

// toldElsewhere are the deliveries that go to the receiver.
const toldElsewhere = ` deliveries d JOIN channels c ON c.id = d.channel_id AND c.driver <> 'inbox' `

// look is called when the hub is dead. It returns how many jobs the dead hub holds.
func (w *witness) look(t *testing.T) (held int) {
	t.Helper()
	w.receiver.settle(t)
	db := w.hub.openDead(t)
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	read := db.Read(t.Context())
	var receipts []id.ID
	var list []notified
	var astray int
	if err := errors.Join(
		read.Raw(`SELECT id FROM receipts`).Scan(&receipts).Error,
		read.Raw(`SELECT d.idem_key, d.state, d.attempts, j.ref IS NOT NULL AS queued, j.lease_token AS token FROM`+toldElsewhere+
			`LEFT JOIN jobs j ON j.kind = 'deliver' AND j.ref = d.id`).Scan(&list).Error,
		read.Raw(`SELECT count(*) FROM jobs WHERE lease_token IS NOT NULL`).Scan(&held).Error,
		read.Raw(`SELECT count(*) FROM receipts r WHERE r.folded_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'fold' AND j.ref = r.id)`).Scan(&astray).Error,
	); err != nil {
		t.Fatal(err)
	}
	stored := make(map[string]bool, len(receipts))
	for _, r := range receipts {
		stored[r.String()] = true
	}
	for _, p := range w.load.promises() {
		if !stored[p.receipt] {
			w.fault(t, p.receipt, "%s was accepted, and the dead hub's database does not have it", p.alert)
		}
	}
	if astray > 0 {
		t.Errorf("%d receipts are not folded and nobody will do it", astray)
	}
	intact(t, db)
	w.compare(t, list)
	return held
}

// compare holds the deliveries of a dead hub against what has come.
func (w *witness) compare(t *testing.T, list []notified) {
	t.Helper()
	arrived := w.receiver.arrivals()
	onWay := 0
	for _, d := range list {
		n := arrived[d.IdemKey]
		delete(arrived, d.IdemKey)
		over := d.State != "pending" && d.State != "sending"
		if over == d.Queued {
			w.fault(t, d.IdemKey, "it is %s, and that its job is there is %t", d.State, d.Queued)
		}
		switch {
		case d.State == "delivered":
			if _, known := w.booked[d.IdemKey]; !known {
				w.booked[d.IdemKey] = n.came
			}
			delete(w.open, d.IdemKey)
			if n.answered == 0 {
				w.fault(t, d.IdemKey, "it is stored as delivered, came %d times and was not answered", n.came)
			}
			continue
		case over: // it comes again only if somebody wants that
			delete(w.open, d.IdemKey)
			if d.Attempts == 0 && n.came > 0 {
				w.repeated(t, d.IdemKey, "it is stored as %s without an attempt, and came %d times", d.State, n.came)
			}
			continue
		case d.State == "pending" && d.Attempts == 0 && n.came > 0:
			w.repeated(t, d.IdemKey, "it came %d times, and the database knows of no attempt", n.came)
		case d.State == "sending" && !d.Token.IsZero() && d.Token != w.tokens[d.IdemKey]: // else it was not taken up since the last death
			w.tokens[d.IdemKey] = d.Token
			w.cut[d.IdemKey]++
			onWay++
		}
		w.open[d.IdemKey] = n.came
	}
	for key, n := range arrived {
		w.repeated(t, key, "it came %d times, and the database does not know it", n.came)
	}
	w.onWay += onWay
	w.most = max(w.most, onWay)
}

// judge says whether it was right that a key came n times in all, when its delivery was booked with so many attempts.
func (w *witness) judge(t *testing.T, key string, n, attempts int) {
	t.Helper()
	if n > attempts+w.cut[key] {
		w.repeated(t, key, "it came %d times; %d attempts are stored, and the hub died %d times while it was on its way", n, attempts, w.cut[key])
	}
	if had, ok := w.booked[key]; ok && n != had {
		w.repeated(t, key, "it came %d times, only %d of them before its end was found stored", n, had)
	}
	if had, ok := w.open[key]; ok && n <= had {
		w.fault(t, key, "it was not over when the hub died, had come %d times and did not come again", had)
	}
}

// repeated is fault over a key that came without a reason.
func (w *witness) repeated(t *testing.T, key, format string, args ...any) {
	t.Helper()
	w.odd[key] = true
	w.fault(t, key, format, args...)
}

// fault fails the test over a receipt or a key, once for each and for the first few only.
func (w *witness) fault(t *testing.T, what, format string, args ...any) {
	t.Helper()
	if !w.broken[what] && len(w.broken) < 10 {
		w.broken[what] = true
		t.Errorf("%s: "+format, append([]any{what}, args...)...)
	}
}

// openDead opens the database of a hub that is dead. SQLite's is copied with its log, so that the hub finds both as it left them.
func (h *hub) openDead(t *testing.T) *storage.DB {
	t.Helper()
	url := h.database()
	if h.settings["HUB_DATABASE_URL"] != "" {
		unattended(t, url)
	} else {
		dir := t.TempDir()
		for _, suffix := range []string{"", "-wal"} {
			raw, err := os.ReadFile(url + suffix)
			if suffix != "" && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "dead.db")+suffix, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		url = filepath.Join(dir, "dead.db")
	}
	db, err := storage.Open(t.Context(), storage.Config{URL: url, Log: slog.New(slog.DiscardHandler), Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// unattended waits until Postgres has done what the dead hub had asked for: a commit may come after the end of who wanted it.
func unattended(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	testkit.Eventually(t, patience, func() bool {
		var n int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&n)
		return err == nil && n == 0
	}, "Postgres works for a hub that is dead")
}

// intact lets SQLite check its file.
func intact(t *testing.T, db *storage.DB) {
	t.Helper()
	if db.Engine() != storage.SQLite {
		return
	}
	var verdict string
	if err := db.Read(t.Context()).Raw(`PRAGMA integrity_check`).Scan(&verdict).Error; err != nil || verdict != "ok" {
		t.Errorf("integrity_check: %q %v", verdict, err)
	}
}
