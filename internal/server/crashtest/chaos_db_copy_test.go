//go:build unix

package crashtest

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// The commands of docs/operations.md, word by word but for the files.
var (
	sqliteCopies = []func(database, file string) []string{
		func(database, file string) []string {
			return []string{"sqlite3", database, "VACUUM INTO '" + file + "'"}
		},
		func(database, file string) []string { return []string{"sqlite3", database, ".backup " + file} },
	}
	postgresDump    = func(database, file string) []string { return []string{"pg_dump", "-Fc", "-f", file, database} }
	postgresRestore = func(database, file string) []string { return []string{"pg_restore", "-d", database, file} }
)

// TestHotCopy makes backups under load in the ways that operators are told. A hub that starts on one has every alert that was accepted
// before, its books balance, and what it sends again has the key that it had.
func TestHotCopy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		hotCopies(t, "SQLite", "", func(t *testing.T, h *hub, n int) *copied {
			to := newHub(t, "", nil)
			keepKey(t, h, to)
			return &copied{hub: to, make: func() { run(t, sqliteCopies[n%len(sqliteCopies)](h.database(), to.database())) }, restore: func() {
				if out := run(t, []string{"sqlite3", to.database(), "PRAGMA integrity_check"}); out != "ok" {
					t.Errorf("integrity_check of copy %d: %s", n, out)
				}
			}}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		hotCopies(t, "Postgres", testkit.DurablePostgres(t), func(t *testing.T, h *hub, _ int) *copied {
			to := newHub(t, testkit.DurablePostgres(t), nil)
			keepKey(t, h, to)
			file := filepath.Join(to.settings["HUB_DATA_DIR"], "hub.dump")
			return &copied{hub: to, make: func() { run(t, postgresDump(plainURL(t, h), file)) }, restore: func() { run(t, postgresRestore(plainURL(t, to), file)) }}
		})
	})
}

// copied is a backup and the hub that is to start on it.
type copied struct {
	hub           *hub
	make, restore func()
	before        []promise // what was accepted before it was begun
}

// unfolded are the alerts in the copy that were accepted and nothing more: it makes incidents of its own for them.
func (c *copied) unfolded(t *testing.T) (names []string) {
	t.Helper()
	db := c.hub.openDead(t)
	err := db.Read(t.Context()).Raw(`SELECT o.name FROM receipts r JOIN observations o ON o.receipt_id = r.id WHERE r.folded_at IS NULL`).Scan(&names).Error
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return names
}

func hotCopies(t *testing.T, engine, url string, prepare func(t *testing.T, h *hub, n int) *copied) {
	t.Helper()
	c := row(t, "C13", engine, "hot copy while writing")
	h, r := newHub(t, url, nil), newReceiver(t)
	r.answerAfter(100 * time.Millisecond) // so that each copy has some on the wire
	h.start()
	h.tell(r)
	l := newLoad(h, rate())
	l.start(0)
	var copies []*copied
	for n := range pick(2, 6) {
		l.wait(t, pick(30, 150))
		one := prepare(t, h, n)
		one.before = l.promises()
		began := time.Now()
		one.make()
		c.within("copied in", time.Since(began), 0)
		copies = append(copies, one)
	}
	l.wait(t, 10)
	l.end()
	o := (&audit{hub: h, load: l, receiver: r}).check(t)
	h.kill()
	c.faults(len(copies))
	c.count(o)
	twice := map[string]bool{}
	for _, one := range copies {
		one.restore()
		for _, name := range one.unfolded(t) {
			twice[name] = true
		}
		began := time.Now()
		one.hub.start()
		db := one.hub.open(t)
		books, _ := settle(t, one.hub, db, began)
		c.within("copy at rest", time.Since(began), 0)
		have := map[string]bool{}
		var receipts []string
		if err := db.Read(t.Context()).Raw(`SELECT lower(` + hexOf(engine) + `) FROM receipts`).Scan(&receipts).Error; err != nil {
			t.Fatal(err)
		}
		for _, id := range receipts {
			have[id] = true
		}
		for _, p := range one.before {
			if !have[strings.ReplaceAll(p.receipt, "-", "")] {
				t.Errorf("%s was accepted before the copy was made, which does not have it", p.alert)
			}
		}
		if books.Counts["delivered"] != int64(len(receipts)) || len(receipts) < len(one.before) {
			t.Errorf("a copy with %d receipts, %d of them from before, has the books %+v", len(receipts), len(one.before), books.Counts)
		}
		one.hub.kill()
	}
	for alert, keys := range r.keys() {
		if len(keys) != 1 && !twice[alert] {
			t.Errorf("%s was told under several keys: %q", alert, keys)
		}
	}
}

// hexOf writes a receipt's id without its dashes.
func hexOf(engine string) string {
	if engine == "SQLite" {
		return `hex(id)`
	}
	return `replace(id::text, '-', '')`
}

// keepKey puts the key of stored secrets beside the copy.
func keepKey(t *testing.T, from, to *hub) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(from.settings["HUB_DATA_DIR"], "secret.key"))
	if err == nil {
		err = os.MkdirAll(to.settings["HUB_DATA_DIR"], 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(to.settings["HUB_DATA_DIR"], "secret.key"), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// plainURL is the address of a hub's database as the tools of Postgres take it.
func plainURL(t *testing.T, h *hub) string {
	t.Helper()
	u, err := url.Parse(h.database())
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// run runs a program to its end and returns what it printed.
func run(t *testing.T, command []string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Fatalf("%s is not installed: %v", command[0], err)
	}
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", command[0], err, out)
	}
	return strings.TrimSpace(string(out))
}
