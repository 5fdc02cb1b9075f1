package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestFlow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ops := create(t, channels(t, db), generic("ops", `{"endpoint":"https://a.example"}`))
		disk := incident(t, db, "Disk full")
		hour := started.Truncate(time.Hour)
		put := func(b book) {
			b.kind, b.severity, b.incident = "firing", "critical", disk
			if b.channel.IsZero() {
				b.channel = ops.ID
			}
			b.store(t, db)
		}
		put(book{state: "delivered", created: hour})
		put(book{state: "delivered", created: hour.Add(59 * time.Minute)})
		put(book{state: "dead", created: hour.Add(time.Minute)})
		put(book{state: "sending", created: hour.Add(time.Hour)})
		put(book{state: "pending", created: hour.Add(2*time.Hour - time.Microsecond)})
		put(book{state: "suppressed", reason: "silenced", created: hour.Add(3 * time.Hour)})
		put(book{state: "suppressed", reason: "dry_run", created: hour.Add(3 * time.Hour)})
		put(book{state: "dead", created: hour, tenant: "other"})
		put(book{state: "dead", created: hour, channel: id.New()})

		got, err := reader(t, db).Flow(t.Context(), tenant, notify.DeliveryFilter{Channel: ops.ID}, time.Now().Add(-time.Hour), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want := []notify.FlowStep{{At: hour, Delivered: 2, Dead: 1}, {At: hour.Add(time.Hour), Pending: 2}, {At: hour.Add(3 * time.Hour), Suppressed: 1}}
		if diff := cmp.Diff(want, got.Steps); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if got, err = reader(t, db).Flow(t.Context(), tenant, notify.DeliveryFilter{}, time.Now().Add(time.Hour), time.Hour); err != nil || len(got.Steps) > 0 {
			t.Errorf("of the future: %v, %v", got, err)
		}
	})
}
