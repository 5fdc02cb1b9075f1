package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// connectAt opens an empty SQLite database whose clock the test moves.
func connectAt(t *testing.T, clk clock.Clock) *storage.DB {
	t.Helper()
	return dbtest.Open(t, storage.SQLite, func(c *storage.Config) { c.Clock = clk })
}

func TestSession(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db, func(c *auth.Config) { c.AdminKey = secret.NewString("canary") }), t.Context()
		_, reader := create(t, s, auth.KeyInput{Name: "reader", Scopes: auth.Scopes{auth.ScopeRead}})
		_, ingest := create(t, s, auth.KeyInput{Name: "agent", Scopes: auth.Scopes{auth.ScopeIngest}})

		if _, err := s.OpenSession(ctx, ingest); !errors.Is(err, auth.ErrForbidden) {
			t.Errorf("an ingest key signs in: %v", err)
		}
		if _, err := s.OpenSession(ctx, "wrong"); !errors.Is(err, auth.ErrUnauthorized) {
			t.Errorf("a wrong token signs in: %v", err)
		}
		for name, token := range map[string]string{"admin key": "canary", "reader": reader} {
			opened, err := s.OpenSession(ctx, token)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.LoadSession(ctx, opened.Secret)
			if err != nil || got.Principal.Name != name || !got.Expires.Equal(opened.Expires) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			var row struct{ Token, Data string }
			if err := db.Read(ctx).Raw("SELECT token, data FROM sessions").Scan(&row).Error; err != nil {
				t.Fatal(err)
			}
			if strings.Contains(row.Token+row.Data, opened.Secret) || strings.Contains(row.Token+row.Data, token) {
				t.Errorf("%s: a credential is stored: %+v", name, row)
			}
			for range 2 { // ending twice is no error
				if err := s.EndSession(ctx, opened.Secret); err != nil {
					t.Error(err)
				}
			}
			if _, err := s.LoadSession(ctx, opened.Secret); !errors.Is(err, auth.ErrUnauthorized) {
				t.Errorf("%s: session after its end: %v", name, err)
			}
		}
	})
}

// A session ends with the key that opened it.
func TestSessionKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db), t.Context()
		owner, _, err := s.EnsureOwner(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, reader := create(t, s, auth.KeyInput{Name: "reader", Scopes: auth.Scopes{auth.ScopeRead}})
		secrets := map[string]string{}
		for name, token := range map[string]string{"owner": owner, "reader": reader} {
			opened, err := s.OpenSession(ctx, token)
			if err != nil {
				t.Fatal(err)
			}
			secrets[name] = opened.Secret
		}
		if _, err := s.RevokeKey(asAdmin(t), tenant, "reader"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ResetAdmin(ctx); err != nil {
			t.Fatal(err)
		}
		for name, raw := range secrets {
			if _, err := s.LoadSession(ctx, raw); !errors.Is(err, auth.ErrUnauthorized) {
				t.Errorf("session of %s outlives its key: %v", name, err)
			}
		}
	})
}

func TestSessionAdminKeyChanged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		with := func(key string) *auth.Service {
			return service(t, db, func(c *auth.Config) { c.AdminKey = secret.NewString(key) })
		}
		opened, err := with("one").OpenSession(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]error{"one": nil, "two": auth.ErrUnauthorized, "": auth.ErrUnauthorized} {
			if _, err := with(key).LoadSession(t.Context(), opened.Secret); !errors.Is(err, want) {
				t.Errorf("with the admin key %q: %v, want %v", key, err, want)
			}
		}
	})
}

func TestSessionTime(t *testing.T) {
	t.Parallel()
	clk := clock.At(start)
	db := connectAt(t, clk)
	s := service(t, db)
	token, _, err := s.EnsureOwner(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	open := func() string {
		t.Helper()
		opened, err := s.OpenSession(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return opened.Secret
	}
	idle, busy := open(), open()
	for clk.Now().Before(start.Add(auth.SessionMax - time.Minute)) {
		clk.Advance(5 * time.Hour)
		_, err := s.LoadSession(t.Context(), busy)
		if over := !clk.Now().Before(start.Add(auth.SessionMax)); (err != nil) != over {
			t.Fatalf("busy session after %s: %v", clk.Now().Sub(start), err)
		}
	}
	clk.Set(start.Add(auth.SessionIdle))
	if _, err := s.LoadSession(t.Context(), idle); !errors.Is(err, auth.ErrUnauthorized) {
		t.Errorf("idle session: %v", err)
	}
	clk.Set(start.Add(auth.SessionMax))
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int64
	if err := db.Read(t.Context()).Raw("SELECT count(*) FROM sessions").Scan(&left).Error; err != nil || left != 0 {
		t.Errorf("%d sessions left, %v", left, err)
	}
}

func TestLastUsed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		_, raw := create(t, s, auth.KeyInput{Name: "used", Scopes: auth.Scopes{auth.ScopeRead}})
		create(t, s, auth.KeyInput{Name: "unused", Scopes: auth.Scopes{auth.ScopeRead}})
		was, err := db.Generation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := db.Now()
		if _, err := s.Authenticate(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys, err := s.ListKeys(asAdmin(t), tenant)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if used := k.LastUsedAt != nil && !k.LastUsedAt.Before(before); used != (k.Name == "used") {
				t.Errorf("%s was used at %v", k.Name, k.LastUsedAt)
			}
		}
		if now, err := db.Generation(t.Context()); err != nil || now != was {
			t.Errorf("generation %d, was %d, %v: use is no change", now, was, err)
		}
	})
}

// Failures get slower per peer, good credentials never do.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	db := connectAt(t, clock.System())
	s := service(t, db)
	_, good := create(t, s, auth.KeyInput{Name: "good", Scopes: auth.Scopes{auth.ScopeRead}})
	took := func(raw string) time.Duration {
		t.Helper()
		w := clock.Start()
		_, err := s.Authenticate(auth.WithPeer(t.Context(), "192.0.2.7"), raw)
		if (err == nil) != (raw == good) {
			t.Error(err)
		}
		return w.Elapsed()
	}
	var slow time.Duration
	free := make([]time.Duration, 20)
	for i := range free {
		free[i] = took("guess")
	}
	slices.Sort(free)
	for range 6 { // 10 20 40 80 160 250 ms
		slow += took("guess")
	}
	// The middle one: a busy machine may hold up one of them.
	if free[10] > 15*time.Millisecond || slow < 500*time.Millisecond {
		t.Errorf("the free 20 took %s, the next 6 %s", free, slow)
	}
	if d := min(took(good), took(good), took(good)); d > 100*time.Millisecond {
		t.Errorf("a good key took %s", d)
	}
}
