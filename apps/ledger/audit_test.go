package ledger

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestCheckThatIsOvertaken: a check that began before another one ended stores nothing, since what that one counted may be pruned already.
func TestCheckThatIsOvertaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		c, err := NewChecker(db)
		if err != nil {
			t.Fatal(err)
		}
		late, to := id.ID{}, id.New()
		for _, tt := range []struct {
			from          id.ID
			settled, want int64
		}{{late, 10, 10}, {late, 3, 10}, {to, 12, 12}} {
			row := checkRow{TenantID: "a", CheckedTo: to, Settled: tt.settled, Accepted: tt.settled, Recorded: tt.settled, Balanced: true, CheckedAt: db.Now()}
			if err := c.store(t.Context(), row, tt.from); err != nil {
				t.Fatal(err)
			}
			if got, err := c.last(t.Context(), "a"); err != nil || got.Settled != tt.want {
				t.Errorf("from %q: %d settled, want %d; %v", tt.from, got.Settled, tt.want, err)
			}
		}
	})
}
