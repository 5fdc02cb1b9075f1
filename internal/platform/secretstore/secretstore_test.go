package secretstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	tenant = "default"
	oldKey = "the old passphrase of at least thirty-two characters"
	newKey = "the new passphrase of at least thirty-two characters"
)

func open(t *testing.T, db *storage.DB, keys string) *secretstore.Store {
	t.Helper()
	ring, err := secret.NewKeyring(secret.NewString(keys))
	if err != nil {
		t.Fatal(err)
	}
	s, err := secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *secretstore.Store, owner id.ID, field, value string) {
	t.Helper()
	if err := s.Put(t.Context(), tenant, "channels", owner, field, secret.NewString(value)); err != nil {
		t.Fatal(err)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, ctx := open(t, db, oldKey), t.Context()
		a, b := id.New(), id.New()
		put(t, s, a, "token", "first")
		put(t, s, a, "token", "second")
		put(t, s, a, "password", "p")
		put(t, s, b, "token", "other")

		v, err := s.Get(ctx, tenant, "channels", a, "token")
		if err != nil || v.Reveal() != "second" {
			t.Errorf("Get = %q, %v", v.Reveal(), err)
		}
		for name, get := range map[string]func() error{
			"another field":  func() error { _, err := s.Get(ctx, tenant, "channels", a, "url"); return err },
			"another owner":  func() error { _, err := s.Get(ctx, tenant, "sources", a, "token"); return err },
			"another tenant": func() error { _, err := s.Get(ctx, "acme", "channels", a, "token"); return err },
			"a foreign row":  func() error { return s.Put(ctx, "acme", "channels", a, "token", secret.NewString("mine now")) },
		} {
			if err := get(); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
		put(t, s, a, "password", "")
		all, err := s.All(ctx, tenant, "channels", a)
		if err != nil || len(all) != 1 || all["token"].Reveal() != "second" {
			t.Errorf("All = %v, %v", all, err)
		}
		if err := s.DeleteAll(ctx, tenant, "channels", a); err != nil {
			t.Fatal(err)
		}
		owned, err := s.Owned(ctx, "channels")
		if err != nil || len(owned) != 1 || owned[b]["token"].Reveal() != "other" {
			t.Errorf("Owned = %v, %v", owned, err)
		}
		every, err := s.Every(ctx)
		if err != nil || len(every) != 1 || every[0].Reveal() != "other" {
			t.Errorf("Every = %v, %v", every, err)
		}
		for of, want := range map[string]int{tenant: 1, "acme": 0} {
			if found, err := s.AllOf(ctx, of, "channels"); err != nil || len(found) != want {
				t.Errorf("AllOf(%s) = %v, %v", of, found, err)
			}
		}
	})
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, owner := open(t, db, oldKey), id.New()
		undo := errors.New("undo")
		err := db.InTx(t.Context(), func(ctx context.Context) error {
			if err := s.Put(ctx, tenant, "channels", owner, "token", secret.NewString("x")); err != nil {
				return err
			}
			if _, err := s.Get(ctx, tenant, "channels", owner, "token"); err != nil {
				t.Errorf("not seen inside its transaction: %v", err)
			}
			if owned, err := s.Owned(ctx, "channels"); err != nil || len(owned) != 0 { // nor does it wait for the transaction
				t.Errorf("what is not committed is seen outside: %v, %v", owned, err)
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		if all, err := s.All(t.Context(), tenant, "channels", owner); err != nil || len(all) != 0 {
			t.Errorf("after the roll-back: %v, %v", all, err)
		}
	})
}

// Nothing in the table may be read without the key, or be moved to another place.
func TestSealed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, a, b, ctx := open(t, db, oldKey), id.New(), id.New(), t.Context()
		put(t, s, a, "token", "canary-7f3a")
		put(t, s, b, "token", "theirs")
		var stored string
		if err := db.Read(ctx).Raw("SELECT value FROM secrets WHERE owner_id = ?", a).Scan(&stored).Error; err != nil {
			t.Fatal(err)
		}
		if strings.Contains(stored, "canary") || !strings.HasPrefix(stored, secret.Prefix) {
			t.Errorf("stored as %q", stored)
		}
		if err := db.From(ctx).Exec("UPDATE secrets SET value = 'plain' WHERE owner_id = ?", b).Error; err == nil {
			t.Error("the table takes plain text")
		}
		if err := db.From(ctx).Exec("UPDATE secrets SET value = ? WHERE owner_id = ?", stored, b).Error; err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, tenant, "channels", b, "token"); !errors.Is(err, secret.ErrTampered) {
			t.Errorf("a moved value: %v, want ErrTampered", err)
		}
		if err := s.Verify(ctx); !errors.Is(err, secretstore.ErrUnreadable) || strings.Contains(err.Error(), "canary") {
			t.Errorf("Verify = %v, want ErrUnreadable", err)
		}
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx, a := t.Context(), id.New()
		before := open(t, db, oldKey)
		put(t, before, a, "token", "t")
		put(t, before, a, "password", "p")

		if err := open(t, db, newKey).Verify(ctx); !errors.Is(err, secretstore.ErrUnreadable) || !errors.Is(err, secret.ErrNoKey) {
			t.Errorf("Verify without the key = %v", err)
		}
		both := open(t, db, newKey+","+oldKey)
		if err := both.Verify(ctx); err != nil {
			t.Errorf("Verify with both keys: %v", err)
		}
		for _, want := range []int{2, 0} {
			if n, err := both.Reencrypt(ctx); err != nil || n != want {
				t.Errorf("Reencrypt = %d, %v, want %d", n, err, want)
			}
		}
		after := open(t, db, newKey)
		if err := after.Verify(ctx); err != nil {
			t.Errorf("Verify with the new key: %v", err)
		}
		if v, err := after.Get(ctx, tenant, "channels", a, "password"); err != nil || v.Reveal() != "p" {
			t.Errorf("Get = %q, %v", v.Reveal(), err)
		}
		if err := before.Verify(ctx); !errors.Is(err, secret.ErrNoKey) {
			t.Errorf("the old key still opens: %v", err)
		}
	})
}
