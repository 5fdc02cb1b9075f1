package notify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestRenotifyAndFallback(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		phone := create(t, s, generic("phone", `{"endpoint":"https://phone.example/x"}`))
		in := generic("ops", `{"endpoint":"https://ops.example/x"}`)
		in.Renotify, in.Fallback, in.FallbackAfter = 90*time.Minute, "phone", 10*time.Minute
		ops := create(t, s, in)
		if ops.RenotifyS != 5400 || ops.FallbackID != phone.ID || ops.FallbackAfterS != 600 || ops.FallbackName != "phone" {
			t.Fatalf("made %+v", ops)
		}
		same, err := s.Update(t.Context(), tenant, "ops", 0, notify.InputOf(ops))
		if err != nil || same.FallbackID != phone.ID || same.RenotifyS != 5400 || same.FallbackAfterS != 600 {
			t.Fatalf("changed by what it was: %v %+v", err, same)
		}
		live, err := s.Active(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range live {
			if l.Name == "ops" && (l.Renotify != 90*time.Minute || l.Fallback != phone.ID || l.FallbackAfter != 10*time.Minute) {
				t.Errorf("live %+v", l)
			}
		}
		err = s.Delete(t.Context(), tenant, phone.ID.String())
		if !errors.Is(err, notify.ErrInUse) || !strings.Contains(err.Error(), `"phone"`) || !strings.HasSuffix(err.Error(), ": ops") {
			t.Errorf("delete the fallback of ops: %v", err)
		}
		off := notify.InputOf(phone)
		off.IsActive = false
		if _, err := s.Update(t.Context(), tenant, "phone", 0, off); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(t.Context(), tenant, "ops", 0, notify.InputOf(same)); err != nil {
			t.Errorf("a change while the fallback is switched off: %v", err)
		}
		none := notify.InputOf(same)
		none.Fallback, none.FallbackAfter, none.Renotify = "", 0, 0
		if got, err := s.Update(t.Context(), tenant, "ops", 0, none); err != nil || !got.FallbackID.IsZero() || got.FallbackAfterS != 0 || got.RenotifyS != 0 {
			t.Errorf("without: %v %+v", err, got)
		}
		if err := s.Delete(t.Context(), tenant, "phone"); err != nil {
			t.Error(err)
		}
	})
}

func TestFallbacksRefused(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	s := channels(t, db)
	if err := s.EnsureInbox(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	hook := func(name, fallback string) notify.ChannelInput {
		in := generic(name, `{"endpoint":"https://a.example/x"}`)
		in.Fallback = fallback
		return in
	}
	create(t, s, hook("c", ""))
	create(t, s, hook("b", "c"))
	create(t, s, hook("a", "b"))
	idle := hook("idle", "")
	idle.IsActive = false
	create(t, s, idle)
	for name, tt := range map[string]struct {
		ref  string
		in   func(*notify.ChannelInput)
		want []string
	}{
		"itself":           {"c", func(in *notify.ChannelInput) { in.Fallback = "c" }, []string{"fallback.channel"}},
		"a cycle of two":   {"b", func(in *notify.ChannelInput) { in.Fallback = "a" }, []string{"fallback.channel"}},
		"a cycle of three": {"c", func(in *notify.ChannelInput) { in.Fallback = "a" }, []string{"fallback.channel"}},
		"nobody":           {"c", func(in *notify.ChannelInput) { in.Fallback = "nobody" }, []string{"fallback.channel"}},
		"the inbox":        {"c", func(in *notify.ChannelInput) { in.Fallback = "inbox" }, []string{"fallback.channel"}},
		"of the inbox":     {"inbox", func(in *notify.ChannelInput) { in.Fallback = "c" }, []string{"fallback.channel"}},
		"an idle one":      {"c", func(in *notify.ChannelInput) { in.Fallback = "idle" }, []string{"fallback.channel"}},
		"a time alone":     {"c", func(in *notify.ChannelInput) { in.FallbackAfter = time.Hour }, []string{"fallback.channel"}},
		"too soon": {"a", func(in *notify.ChannelInput) {
			in.FallbackAfter, in.Renotify = 59*time.Second, time.Second
		}, []string{"renotify", "fallback.after"}},
		"too late": {"a", func(in *notify.ChannelInput) {
			in.FallbackAfter, in.Renotify = notify.MaxFallbackAfter+time.Second, notify.MaxRenotify+time.Second
		}, []string{"renotify", "fallback.after"}},
		"below zero": {"a", func(in *notify.ChannelInput) { in.Renotify = -time.Hour }, []string{"renotify"}},
		"fractions":  {"a", func(in *notify.ChannelInput) { in.Renotify = time.Hour + time.Millisecond }, []string{"renotify"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := s.Get(t.Context(), tenant, tt.ref)
			if err != nil {
				t.Fatal(err)
			}
			in := notify.InputOf(c)
			tt.in(&in)
			_, err = s.Update(t.Context(), tenant, tt.ref, 0, in)
			if diff := cmp.Diff(tt.want, fieldsOf(err)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestValidateStored(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	s := channels(t, db)
	create(t, s, generic("ops", `{"endpoint":"https://ops.example/x","secret":"canary"}`))
	if err := s.ValidateStored(t.Context(), tenant, "ops", nil); err != nil {
		t.Errorf("as stored: %v", err)
	}
	if err := s.ValidateStored(t.Context(), tenant, "ops", []byte(`{"endpoint":"https://ops.example/y"}`)); err != nil {
		t.Errorf("another path: %v", err)
	}
	// The secret would go to somebody else.
	err := s.ValidateStored(t.Context(), tenant, "ops", []byte(`{"endpoint":"https://evil.example/x","method":"FETCH"}`))
	if diff := cmp.Diff([]string{"config.method", "config.secret"}, fieldsOf(err)); diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := s.ValidateStored(t.Context(), "other", "ops", nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("of another tenant: %v", err)
	}
	if c, err := s.Get(t.Context(), tenant, "ops"); err != nil || c.Version != 1 {
		t.Errorf("it was changed: %+v, %v", c, err)
	}
}
