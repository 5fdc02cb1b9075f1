package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const tenant = "default"

var start = time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)

func service(t *testing.T, db *storage.DB, change ...func(*auth.Config)) *auth.Service {
	t.Helper()
	c := auth.Config{DB: db, Log: testkit.Logger(t), Recheck: time.Hour}
	for _, fn := range change {
		fn(&c)
	}
	s, err := auth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asAdmin(t *testing.T) context.Context {
	t.Helper()
	return auth.With(t.Context(), auth.System(tenant))
}

func create(t *testing.T, s *auth.Service, in auth.KeyInput) (auth.Key, string) {
	t.Helper()
	k, raw, err := s.CreateKey(asAdmin(t), tenant, in)
	if err != nil {
		t.Fatal(err)
	}
	return k, raw
}

func TestScopes(t *testing.T) {
	t.Parallel()
	all := auth.AllScopes()
	for given, want := range map[auth.Scope][]auth.Scope{
		auth.ScopeIngest:  {auth.ScopeIngest},
		auth.ScopeRead:    {auth.ScopeRead},
		auth.ScopeRespond: {auth.ScopeRead, auth.ScopeRespond},
		auth.ScopeEdit:    {auth.ScopeRead, auth.ScopeRespond, auth.ScopeEdit},
		auth.ScopeAdmin:   all,
		"root":            nil,
		"":                nil,
	} {
		var got []auth.Scope
		for _, s := range all {
			if (auth.Scopes{given}).Has(s) {
				got = append(got, s)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q grants %s", given, diff)
		}
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	reader := auth.With(t.Context(), auth.Principal{Scopes: auth.Scopes{auth.ScopeRead}})
	for name, tt := range map[string]struct {
		ctx  context.Context
		want error
	}{
		"nobody":    {t.Context(), auth.ErrUnauthorized},
		"a reader":  {reader, auth.ErrForbidden},
		"an editor": {auth.With(t.Context(), auth.Principal{Scopes: auth.Scopes{auth.ScopeEdit}}), nil},
	} {
		if err := auth.Require(tt.ctx, auth.ScopeRespond); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	p := auth.Principal{AllowedEndpoints: []string{"/api/v1/incidents/", "/alerts"}}
	for path, want := range map[string]bool{
		"/api/v1/incidents": true, "/api/v1/incidents/": true, "/api/v1/incidents/7/notes": true, "/alerts/webhook/": true,
		"/api/v1/incidentsx": false, "/api/v1": false, "/": false, "": false, "/alerts/../api/v1/keys": false, "/alertsx": false,
	} {
		if got := p.Allows(path); got != want {
			t.Errorf("Allows(%q) = %t", path, got)
		}
	}
	if !(auth.Principal{}).Allows("/anything") {
		t.Error("no list does not mean everything")
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		const admin = "the admin key of the environment"
		source := id.New()
		s := service(t, db, func(c *auth.Config) {
			c.AdminKey = secret.NewString(admin)
			c.Sources = auth.SourceKeysFunc(func(context.Context) ([]auth.SourceKey, error) {
				return []auth.SourceKey{
					{Tenant: tenant, SourceID: source, Name: "prod", KeyHash: secret.HashToken("ingest key")},
					{Tenant: tenant, SourceID: source, Name: "keyless"},
				}, nil
			})
		})
		k, raw := create(t, s, auth.KeyInput{Name: "ci", Scopes: auth.Scopes{auth.ScopeRead}, AllowedEndpoints: []string{"/api"}})
		if len(raw) < 43 || k.KeyHash != secret.HashToken(raw) || !strings.HasPrefix(raw, k.KeyPrefix) || len(k.KeyPrefix) > 10 {
			t.Errorf("key %q, prefix %q", raw, k.KeyPrefix)
		}
		for name, tt := range map[string]struct {
			raw  string
			want auth.Principal
			err  error
		}{
			"admin key": {admin, auth.Principal{Tenant: tenant, Name: "admin key", Scopes: auth.Scopes{auth.ScopeAdmin}}, nil},
			"api key": {raw, auth.Principal{
				Tenant: tenant, Name: "ci", KeyID: k.ID, Scopes: auth.Scopes{auth.ScopeRead}, AllowedEndpoints: []string{"/api"},
			}, nil},
			"source key": {"ingest key", auth.Principal{
				Tenant: tenant, Name: "prod", SourceID: source, Scopes: auth.Scopes{auth.ScopeIngest},
			}, nil},
			"none":              {"", auth.Principal{}, auth.ErrUnauthorized},
			"unknown":           {raw[:len(raw)-1] + "!", auth.Principal{}, auth.ErrUnauthorized},
			"a hash":            {k.KeyHash, auth.Principal{}, auth.ErrUnauthorized},
			"longer than any":   {strings.Repeat("x", 4096), auth.Principal{}, auth.ErrUnauthorized},
			"part of the admin": {admin[:8], auth.Principal{}, auth.ErrUnauthorized},
		} {
			got, err := s.Authenticate(t.Context(), tt.raw)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(auth.Principal{}), ignoreRef); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
	})
}

var ignoreRef = cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "ref" }, cmp.Ignore())

func TestKeyLife(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db), asAdmin(t)
		in := auth.KeyInput{Name: "ci", Scopes: auth.Scopes{auth.ScopeRead}}
		k, raw := create(t, s, in)
		if _, _, err := s.CreateKey(ctx, tenant, in); !errors.Is(err, auth.ErrExists) {
			t.Errorf("second of that name: %v", err)
		}
		if _, err := s.RevokeKey(ctx, "acme", k.ID.String()); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's revoke: %v", err)
		}
		for _, ref := range []string{"ci", k.ID.String()} { // twice: again is no error
			if _, err := s.RevokeKey(ctx, tenant, ref); err != nil {
				t.Errorf("revoke %s: %v", ref, err)
			}
		}
		if _, err := s.Authenticate(t.Context(), raw); !errors.Is(err, auth.ErrUnauthorized) {
			t.Errorf("revoked key: %v", err)
		}
		second, raw := create(t, s, in)
		if _, err := s.Authenticate(t.Context(), raw); err != nil {
			t.Errorf("key that replaces a revoked one: %v", err)
		}
		list, err := s.ListKeys(ctx, tenant)
		if err != nil || len(list) != 1 || list[0].ID != second.ID {
			t.Errorf("ListKeys = %+v, %v", list, err)
		}
		for name, call := range map[string]func(context.Context) error{
			"create": func(ctx context.Context) error { _, _, err := s.CreateKey(ctx, tenant, in); return err },
			"list":   func(ctx context.Context) error { _, err := s.ListKeys(ctx, tenant); return err },
			"revoke": func(ctx context.Context) error { _, err := s.RevokeKey(ctx, tenant, "ci"); return err },
		} {
			editor := auth.With(t.Context(), auth.Principal{Scopes: auth.Scopes{auth.ScopeEdit}})
			if err := call(editor); !errors.Is(err, auth.ErrForbidden) {
				t.Errorf("%s by an editor: %v", name, err)
			}
		}
	})
}

func TestKeyInput(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		past := db.Now().Add(-time.Second)
		_, _, err := service(t, db).CreateKey(asAdmin(t), tenant, auth.KeyInput{
			Name: "<b>", Scopes: auth.Scopes{"root"}, AllowedEndpoints: []string{"api", "/a/../b"}, ExpiresAt: &past,
		})
		var invalid *auth.Invalid
		if !errors.As(err, &invalid) {
			t.Fatalf("%v, want *Invalid", err)
		}
		var got []string
		for _, p := range invalid.Problems {
			got = append(got, p.Field)
		}
		want := []string{"name", "scopes", "allowed_endpoints", "allowed_endpoints", "expires_at"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	clk := clock.At(start)
	db := connectAt(t, clk)
	s, end := service(t, db), start.Add(time.Hour)
	in := auth.KeyInput{Name: "short", Scopes: auth.Scopes{auth.ScopeRead}, ExpiresAt: &end}
	_, raw := create(t, s, in)
	clk.Advance(time.Hour - time.Microsecond)
	if _, err := s.Authenticate(t.Context(), raw); err != nil {
		t.Errorf("before its end: %v", err)
	}
	clk.Advance(time.Microsecond)
	if _, err := s.Authenticate(t.Context(), raw); !errors.Is(err, auth.ErrUnauthorized) {
		t.Errorf("at its end: %v", err)
	}
	end = start.Add(3 * time.Hour)
	create(t, s, in) // the expired one makes room
}

// A change by another process is seen by the next unknown key, and by known ones after Recheck.
func TestOtherProcess(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		here, there := service(t, db), service(t, db)
		quick := service(t, db, func(c *auth.Config) { c.Recheck = time.Nanosecond })
		if _, err := here.Authenticate(t.Context(), "wrong"); !errors.Is(err, auth.ErrUnauthorized) {
			t.Fatal(err)
		}
		_, raw := create(t, there, auth.KeyInput{Name: "new", Scopes: auth.Scopes{auth.ScopeRead}})
		for _, s := range []*auth.Service{here, quick} {
			if _, err := s.Authenticate(t.Context(), raw); err != nil {
				t.Errorf("a new key: %v", err)
			}
		}
		if _, err := there.RevokeKey(asAdmin(t), tenant, "new"); err != nil {
			t.Fatal(err)
		}
		if _, err := quick.Authenticate(t.Context(), raw); !errors.Is(err, auth.ErrUnauthorized) {
			t.Errorf("revoked, after Recheck: %v", err)
		}
		if _, err := here.Authenticate(t.Context(), raw); err != nil {
			t.Errorf("revoked, within Recheck: %v; the cache is not used", err)
		}
		here.Invalidate()
		if _, err := here.Authenticate(t.Context(), raw); !errors.Is(err, auth.ErrUnauthorized) {
			t.Errorf("revoked, after Invalidate: %v", err)
		}
	})
}

// When the keys cannot be read nobody is refused: senders give up after a 401.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	db := connectAt(t, clock.At(start))
	s := service(t, db, func(c *auth.Config) {
		c.Sources = auth.SourceKeysFunc(func(context.Context) ([]auth.SourceKey, error) { return nil, gone })
	})
	if _, err := s.Authenticate(t.Context(), "any"); !errors.Is(err, gone) || errors.Is(err, auth.ErrUnauthorized) {
		t.Errorf("sources cannot be read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := service(t, db).Authenticate(ctx, "any"); err == nil || errors.Is(err, auth.ErrUnauthorized) {
		t.Errorf("database does not answer: %v", err)
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		var wg sync.WaitGroup
		tokens := make(chan string, 4)
		for range 4 {
			wg.Go(func() {
				raw, created, err := service(t, db).EnsureOwner(t.Context())
				if err != nil || created == (raw == "") {
					t.Errorf("EnsureOwner: token %t, created %t, %v", raw != "", created, err)
				}
				if created {
					tokens <- raw
				}
			})
		}
		wg.Wait()
		if len(tokens) != 1 {
			t.Fatalf("%d owner tokens", len(tokens))
		}
		s, first := service(t, db), <-tokens
		p, err := s.Authenticate(t.Context(), first)
		if err != nil || p.Require(auth.ScopeAdmin) != nil {
			t.Errorf("owner: %+v, %v", p, err)
		}
		second, err := s.ResetAdmin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), first); !errors.Is(err, auth.ErrUnauthorized) {
			t.Errorf("the replaced token: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), second); err != nil {
			t.Errorf("the new token: %v", err)
		}
	})
}

func TestOwnerNotNeeded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db, func(c *auth.Config) { c.AdminKey = secret.NewString("given") })
		if raw, created, err := s.EnsureOwner(t.Context()); raw != "" || created || err != nil {
			t.Errorf("EnsureOwner with an admin key: token %t, created %t, %v", raw != "", created, err)
		}
		raw, err := s.ResetAdmin(t.Context()) // makes it
		if err != nil {
			t.Fatal(err)
		}
		if p, err := s.Authenticate(t.Context(), raw); err != nil || p.Name != auth.OwnerName {
			t.Errorf("Authenticate = %+v, %v", p, err)
		}
	})
}
