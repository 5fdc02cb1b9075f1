package ledger_test

import (
	"fmt"
	"testing"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestWhyOfManyChannels: channels that went the same way are one sentence.
func TestWhyOfManyChannels(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		b := fill(t, db, 1)
		verdict := func(want string) {
			t.Helper()
			got, err := r.Why(t.Context(), "a", b.incident)
			if err != nil || got.Verdict != want {
				t.Errorf("%q %v", got.Verdict, err)
			}
		}
		for n := range 2 {
			stand(t, db, b, b.delivery, other(t, db, fmt.Sprintf("c%02d", n)), "", "delivered", 1)
		}
		verdict("Channels c00 and c01 were told of the firing at 2026-03-01 10:05:00Z; channel ops was told of the firing at 2026-03-01 10:00:11Z, at try 2")
		for n := range 20 {
			stand(t, db, b, b.delivery, other(t, db, fmt.Sprintf("c%02d", n+2)), "", "delivered", 1)
		}
		verdict("Channels c00, c01, c02, c03, c04 and 17 others were told of the firing at 2026-03-01 10:05:00Z; channel ops was told of the firing at 2026-03-01 10:00:11Z, at try 2")
	})
}
