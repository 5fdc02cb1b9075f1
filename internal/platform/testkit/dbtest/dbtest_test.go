//go:build unix

package dbtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestEach(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	seen := make(chan storage.Engine, 3)
	t.Cleanup(func() {
		close(seen)
		engines := map[storage.Engine]bool{}
		for e := range seen {
			engines[e] = true
		}
		if !engines[storage.SQLite] || !engines[storage.Postgres] {
			t.Errorf("ran on %v", engines)
		}
	})
	Each(t, func(t *testing.T, db *storage.DB) {
		seen <- db.Engine()
		if got := db.Now(); !got.Equal(at) {
			t.Errorf("it is %s, want %s", got, at)
		}
		if g, err := db.Generation(t.Context()); err != nil || g != 1 {
			t.Errorf("generation %d, %v", g, err)
		}
		if other := Open(t, db.Engine()); count(t, other) != 0 {
			t.Error("another test's rows are here")
		}
		if err := db.From(t.Context()).Exec("INSERT INTO sessions (token, tenant_id, data, expiry) VALUES ('t', 'a', '', ?)", at).Error; err != nil {
			t.Fatal(err)
		}
		if other := Open(t, db.Engine()); count(t, db) != 1 || count(t, other) != 0 {
			t.Error("two tests share a database")
		}
	}, func(c *storage.Config) { c.Clock = clock.At(at) })
}

func count(t *testing.T, db *storage.DB) (n int64) {
	t.Helper()
	if err := db.Read(t.Context()).Table("sessions").Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNoScans(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		where string // "": no query
		want  string
	}{
		"by key":   {"token = ?", ""},
		"whole":    {"tenant_id = ?", "reads a whole table"},
		"fails":    {"nothing = ?", "SQLSTATE 42703"},
		"no query": {"", "no query"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := Open(t, storage.Postgres)
			for _, sql := range []string{
				"INSERT INTO sessions (token, tenant_id, data, expiry) SELECT g::text, 'a', '', now() FROM generate_series(1, 20000) g", "ANALYZE sessions",
			} {
				if err := db.From(t.Context()).Exec(sql).Error; err != nil {
					t.Fatal(err)
				}
			}
			got := failure(t, func(t testing.TB) {
				NoScans(t, db, map[string]func() error{name: func() error {
					if tt.where == "" {
						return nil
					}
					var token string
					return db.Read(t.Context()).Raw("SELECT token FROM sessions WHERE "+tt.where, "7").Scan(&token).Error
				}})
			})
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("it said %q, want %q", got, tt.want)
			}
		})
	}
}

// failure is what fn failed with, "" when it did not.
func failure(t *testing.T, fn func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		fn(r)
	}()
	return r.failure
}

// recorder is a test that only notes how it failed.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Helper()                           {}
func (r *recorder) Errorf(format string, args ...any) { r.failure += fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(r) }
