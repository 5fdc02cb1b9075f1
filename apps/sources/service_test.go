package sources_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const tenant = "default"

func service(t *testing.T, db *storage.DB, env map[string]secret.String) *sources.Service {
	t.Helper()
	ring, err := secret.NewKeyring(secret.NewString("a passphrase of at least thirty-two characters"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sources.New(sources.Config{
		DB: db, Secrets: store, Log: testkit.Logger(t), Env: func(driver string) secret.String { return env[driver] },
		Drivers: []string{"alertmanager", "grafana", "pagerduty"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func secretOf(s string) *secret.String {
	v := secret.NewString(s)
	return &v
}

func generation(t *testing.T, db *storage.DB) int64 {
	t.Helper()
	n, err := db.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLife(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db, nil), t.Context()
		was := generation(t, db)
		changed := func(what string) {
			t.Helper()
			now := generation(t, db)
			if now != was+1 {
				t.Errorf("%s: generation %d, want %d", what, now, was+1)
			}
			was = now
		}
		in := sources.Input{
			Name: "prod", Driver: "alertmanager", SourceName: "prod-am", Description: "two\nlines", IsActive: true,
			GroupBy: sources.GroupBy{Labels: []string{"alertname", "cluster"}},
		}
		src, raw, err := s.Create(ctx, tenant, in)
		if err != nil {
			t.Fatal(err)
		}
		changed("create")
		if len(raw) < 43 || src.KeyHash != secret.HashToken(raw) || !strings.HasPrefix(raw, src.KeyPrefix) || len(src.KeyPrefix) > 10 {
			t.Errorf("key %q, hash %q, prefix %q", raw, src.KeyHash, src.KeyPrefix)
		}
		for _, ref := range []string{"prod", src.ID.String()} {
			got, err := s.Get(ctx, tenant, ref)
			if diff := cmp.Diff(src, got); err != nil || diff != "" {
				t.Errorf("Get(%q): %v\n%s", ref, err, diff)
			}
			if _, err := s.Get(ctx, "acme", ref); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("another tenant's Get(%q): %v", ref, err)
			}
		}
		if _, _, err := s.Create(ctx, tenant, in); !errors.Is(err, sources.ErrExists) {
			t.Errorf("second of that name: %v", err)
		}

		in = sources.InputOf(src)
		in.Driver, in.GroupBy, in.IsActive = "", sources.GroupBy{Vendor: true}, false
		up, err := s.Update(ctx, tenant, "prod", src.Version, in)
		if err != nil {
			t.Fatal(err)
		}
		changed("update")
		if up.Version != 2 || up.Driver != "" || !up.GroupBy.V.Vendor || up.IsActive || up.KeyHash != src.KeyHash {
			t.Errorf("updated: %+v", up)
		}
		again, err := s.Update(ctx, tenant, "prod", 0, in)
		if err != nil || again.Version != 2 {
			t.Errorf("the same again: version %d, %v", again.Version, err)
		}
		in.SourceName, in.Description = "other", ""
		fields, err := s.Changes(ctx, tenant, "prod", in)
		if diff := cmp.Diff([]string{"source_name", "description"}, fields); err != nil || diff != "" {
			t.Errorf("Changes: %v\n%s", err, diff)
		}
		if _, err := s.Update(ctx, tenant, "prod", src.Version, in); !errors.Is(err, sources.ErrConflict) {
			t.Errorf("update of an old version: %v", err)
		}
		rotated, fresh, err := s.RotateKey(ctx, tenant, "prod")
		if err != nil || fresh == raw || rotated.KeyHash != secret.HashToken(fresh) {
			t.Errorf("rotate: %v", err)
		}
		changed("rotate")
		if err := s.Delete(ctx, "acme", "prod"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's delete: %v", err)
		}
		if err := s.Delete(ctx, tenant, "prod"); err != nil {
			t.Fatal(err)
		}
		changed("delete")
		if _, err := s.Get(ctx, tenant, "prod"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("after delete: %v", err)
		}
	})
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db, nil)
		for name, tt := range map[string]struct {
			in   sources.Input
			want []string // fields
		}{
			"everything at once": {
				sources.Input{
					Name: "no spaces", Driver: "nagios", SourceName: "grafana", Description: "bell\a",
					GroupBy: sources.GroupBy{Labels: []string{"", "a", "a"}}, Signature: sources.Signature{Scheme: "md5"},
				},
				[]string{"name", "driver", "source_name", "description", "group_by", "group_by", "signature"},
			},
			"scheme without secret": {
				sources.Input{Name: "a", Signature: sources.Signature{Scheme: sources.SchemeGrafana}},
				[]string{"signature_secret"},
			},
			"secret without scheme": {sources.Input{Name: "a", SignatureSecret: secretOf("12345678")}, []string{"signature"}},
			"short secret": {
				sources.Input{Name: "a", Signature: sources.Signature{Scheme: sources.SchemeGeneric}, SignatureSecret: secretOf("short")},
				[]string{"signature_secret"},
			},
			"timestamp header for another scheme": {
				sources.Input{
					Name: "a", Signature: sources.Signature{Scheme: sources.SchemePagerDuty, TimestampHeader: "X-Time"},
					SignatureSecret: secretOf("12345678"),
				},
				[]string{"signature"},
			},
			"header injection": {
				sources.Input{
					Name: "a", Signature: sources.Signature{Scheme: sources.SchemeGrafana, TimestampHeader: "X: y\r\nZ"},
					SignatureSecret: secretOf("12345678"),
				},
				[]string{"signature"},
			},
		} {
			_, _, err := s.Create(t.Context(), tenant, tt.in)
			var invalid *sources.Invalid
			if !errors.As(err, &invalid) {
				t.Errorf("%s: %v, want *Invalid", name, err)
				continue
			}
			var got []string
			for _, p := range invalid.Problems {
				got = append(got, p.Field)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
	})
}

// The default entry is made once, however many processes start together, and stays.
func TestDefault(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var keys, ids []string
		for range 4 {
			wg.Go(func() {
				src, raw, created, err := service(t, db, nil).EnsureDefault(ctx, tenant)
				if err != nil || created == (raw == "") {
					t.Errorf("EnsureDefault: key %t, created %t, %v", raw != "", created, err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids = append(ids, src.ID.String())
				if created {
					keys = append(keys, raw)
				}
			})
		}
		wg.Wait()
		slices.Sort(ids)
		if len(keys) != 1 || len(slices.Compact(ids)) != 1 {
			t.Errorf("%d created, ids %v", len(keys), ids)
		}
		if err := service(t, db, nil).Delete(ctx, tenant, sources.DefaultName); !errors.Is(err, sources.ErrDefault) {
			t.Errorf("delete the default: %v", err)
		}
	})
}

func TestDefaultAdopted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db, nil), t.Context()
		made, _, err := s.Create(ctx, tenant, sources.Input{Name: sources.DefaultName, IsActive: true})
		if err != nil {
			t.Fatal(err)
		}
		src, raw, created, err := s.EnsureDefault(ctx, tenant)
		if err != nil || created || raw != "" || src.ID != made.ID || !src.IsDefault || src.KeyHash != made.KeyHash {
			t.Errorf("EnsureDefault = %+v, key %t, created %t, %v", src, raw != "", created, err)
		}
	})
}

// Secrets rotate with an overlap and never show.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db, nil), t.Context()
		const one, two, three = "canary-one", "canary-two", "canary-three"
		in := sources.Input{Name: "pd", Signature: sources.Signature{Scheme: sources.SchemePagerDuty}, SignatureSecret: secretOf(one), IsActive: true}
		src, _, err := s.Create(ctx, tenant, in)
		if err != nil {
			t.Fatal(err)
		}
		set := func(current, previous *secret.String) sources.Source {
			t.Helper()
			in := sources.InputOf(src)
			in.SignatureSecret, in.SignaturePrevious = current, previous
			got, err := s.Update(ctx, tenant, "pd", 0, in)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		valid := func(want ...string) {
			t.Helper()
			var got []string
			for _, key := range []string{one, two, three} {
				if entryOf(t, s, "pd").Verify(signed("X-PagerDuty-Signature", "v1="+mac(key, body)), []byte(body), "", now) == nil {
					got = append(got, key)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("valid secrets: %s", diff)
			}
		}
		valid(one)
		set(secretOf(two), nil)
		valid(one, two)
		set(nil, nil)
		set(secretOf("***"), secretOf("***"))
		valid(one, two)
		set(secretOf(three), nil)
		valid(two, three)
		got := set(nil, secretOf(""))
		valid(three)
		if !got.SignatureConfigured || got.PreviousConfigured {
			t.Errorf("configured %t, previous %t", got.SignatureConfigured, got.PreviousConfigured)
		}

		in = sources.InputOf(got)
		in.SignatureSecret = secretOf("")
		if _, err := s.Update(ctx, tenant, "pd", 0, in); err == nil {
			t.Error("a scheme without a secret is taken")
		}
		in.Signature, in.SignatureSecret = sources.Signature{}, nil
		if got, err = s.Update(ctx, tenant, "pd", 0, in); err != nil || got.SignatureConfigured {
			t.Errorf("scheme taken away: configured %t, %v", got.SignatureConfigured, err)
		}
		var left int64
		if err := db.Read(ctx).Raw("SELECT count(*) FROM secrets").Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("%d secrets left, %v", left, err)
		}
	})
}

func TestOwnKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := service(t, db, nil), t.Context()
		in := sources.Input{Name: "prod", IsActive: true, Key: secretOf("alertmanager-of-prod-0001")}
		src, raw, err := s.Create(ctx, tenant, in)
		if err != nil || raw != "" || src.KeyHash != secret.HashToken("alertmanager-of-prod-0001") || src.KeyPrefix != "aler" {
			t.Fatalf("%+v %q %v", src, raw, err)
		}
		if fields, err := s.Changes(ctx, tenant, "prod", in); err != nil || len(fields) != 0 {
			t.Errorf("the same key is a change: %v %v", fields, err)
		}
		in.Key = secretOf("alertmanager-of-prod-0002")
		if fields, err := s.Changes(ctx, tenant, "prod", in); err != nil || !slices.Equal(fields, []string{"key"}) {
			t.Errorf("another key is %v, %v", fields, err)
		}
		if src, err = s.Update(ctx, tenant, "prod", 0, in); err != nil || src.KeyHash != secret.HashToken("alertmanager-of-prod-0002") {
			t.Errorf("%+v %v", src, err)
		}
		in.Key = nil
		if src, err = s.Update(ctx, tenant, "prod", 0, in); err != nil || src.KeyHash != secret.HashToken("alertmanager-of-prod-0002") {
			t.Errorf("no key changes it: %+v %v", src, err)
		}
		in.Key = secretOf("short")
		if _, err = s.Update(ctx, tenant, "prod", 0, in); !errors.As(err, new(*sources.Invalid)) {
			t.Errorf("a short key: %v", err)
		}
	})
}
