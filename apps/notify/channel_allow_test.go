package notify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestAddressNoLongerAllowed: a channel made while its address was allowed can be described and switched off when it no longer is, and
// its address can only become one that is.
func TestAddressNoLongerAllowed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		const there, elsewhere = `{"endpoint":"http://127.0.0.1:9000/hook"}`, `{"endpoint":"http://127.0.0.2:9000/hook"}`
		create(t, channels(t, db, "127.0.0.0/8"), generic("ops", there))
		strict := channels(t, db)
		in := generic("ops", there)
		in.Description, in.IsActive = "gone since the move", false
		for name, change := range map[string]notify.ChannelInput{"sent back": in, "left out": {Name: "ops", Description: "d"}} {
			got, err := strict.Update(t.Context(), tenant, "ops", 0, change)
			if err != nil || got.IsActive || got.Description != change.Description {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		_, err := strict.Update(t.Context(), tenant, "ops", 0, generic("ops", elsewhere))
		if !slices.Contains(fieldsOf(err), "config.endpoint") {
			t.Errorf("another address that is not allowed: %v", err)
		}
		if _, err := strict.Create(t.Context(), tenant, generic("new", there)); !slices.Contains(fieldsOf(err), "config.endpoint") {
			t.Errorf("a new channel: %v", err)
		}
	})
}

// TestOwnGuardOfDriver: the same goes for drivers that look at the list themselves.
func TestOwnGuardOfDriver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		hook := func(host string) string {
			return `{"webhook_url":"http://` + host + `:9000/api/webhooks/123456789012345678/` + strings.Repeat("a", 68) + `"}`
		}
		there, elsewhere := hook("127.0.0.1"), hook("127.0.0.2")
		in := generic("chat", there)
		in.Driver = "discord"
		made := create(t, channels(t, db, "127.0.0.0/8"), in)
		strict := channels(t, db)
		off := notify.InputOf(made)
		off.IsActive, off.Description = false, "quiet"
		if got, err := strict.Update(t.Context(), tenant, "chat", 0, off); err != nil || got.IsActive {
			t.Errorf("switched off: %+v, %v", got, err)
		}
		in.Config = []byte(elsewhere)
		if _, err := strict.Update(t.Context(), tenant, "chat", 0, in); !slices.Contains(fieldsOf(err), "config.webhook_url") {
			t.Errorf("another address that is not allowed: %v", err)
		}
	})
}
