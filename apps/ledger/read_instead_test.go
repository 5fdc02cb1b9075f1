package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// stand gives a book's delivery one that tells its news instead, to a channel of its own, and returns that.
func stand(t *testing.T, db *storage.DB, b book, of, channel id.ID, cause, state string, seq int) id.ID {
	t.Helper()
	one, at := id.New(), time.Date(2026, 3, 1, 10, 5, 0, 0, time.UTC)
	exec(t, db, `INSERT INTO deliveries (id, tenant_id, idem_key, incident_id, run_id, definition_id, node, event_seq, step, channel_id, kind, severity,
		state, attempts, trace_id, cause, created_at, expires_at, finished_at) VALUES (?, 'a', ?, ?, NULL, NULL, '', ?, 0, ?, 'firing', 'critical', ?, 1, 't', ?, ?, ?, ?)`,
		one, one.String(), b.incident, seq, channel, state, cause, at, at.Add(time.Hour), at)
	exec(t, db, "UPDATE deliveries SET instead_id = ? WHERE id = ?", one, of)
	return one
}

func other(t *testing.T, db *storage.DB, name string) id.ID {
	t.Helper()
	one := id.New()
	exec(t, db, `INSERT INTO channels (id, tenant_id, name, driver, created_at, updated_at) VALUES (?, 'a', ?, 'generic', ?, ?)`, one, name, db.Now(), db.Now())
	return one
}

// TestToldInstead: who asks why a channel was not reached hears which other one was, or when it was itself; the ledger's lines say so too.
func TestToldInstead(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		b := fill(t, db, 1)
		exec(t, db, `UPDATE deliveries SET state = 'dead', reason = 'http_404', attempts = 1`)
		exec(t, db, `UPDATE observations SET labels = '{"instance":"db-1:9100"}'`)
		exec(t, db, `UPDATE messages SET remark = 'the template of ops failed: no x; the built-in text was sent.'`)
		verdict := func(about id.ID) string {
			got, err := r.Why(t.Context(), "a", about)
			if err != nil {
				t.Fatal(err)
			}
			return got.Verdict
		}
		line := func() ledger.Line {
			page, err := r.Lines(t.Context(), "a", ledger.LineFilter{}, ledger.LinePaging{})
			if err != nil || len(page.Items) != 1 {
				t.Fatalf("%+v %v", page, err)
			}
			return page.Items[0]
		}
		const dead = "channel ops was given up after 1 try: the receiver answered 404"
		const remark = ". The template of ops failed: no x; the built-in text was sent"
		if got := verdict(b.delivery); got != "Nobody was told: "+dead+remark {
			t.Error(got)
		}
		if l := line(); l.Later != nil || l.Instance != "db-1:9100" {
			t.Errorf("%+v", l)
		}
		phone := stand(t, db, b, b.delivery, other(t, db, "phone"), "fallback", "pending", 1)
		exec(t, db, "UPDATE deliveries SET next_at = ? WHERE id = ?", db.Now(), phone)
		if got, want := verdict(b.delivery), "Nobody has been told yet: "+dead+". In its place channel phone is still to be told: 1 try failed"; !strings.HasPrefix(got, want) {
			t.Error(got)
		}
		exec(t, db, "UPDATE deliveries SET state = 'dead', reason = 'http_500' WHERE id = ?", phone)
		pager := stand(t, db, b, phone, other(t, db, "pager"), "fallback", "delivered", 1)
		want := "C" + dead[1:] + ". In its place channel phone was given up after 1 try: the receiver answered 500, by delivery " + phone.String() +
			". In its place channel pager was told of the firing at 2026-03-01 10:05:00Z, by delivery " + pager.String() + remark
		if diff := cmp.Diff(want, verdict(b.delivery)); diff != "" {
			t.Error(diff)
		}
		if got := verdict(pager); got != "Channel pager was told of the firing at 2026-03-01 10:05:00Z, in the place of channel phone, which was not reached" {
			t.Error(got)
		}
		later := []ledger.LineDelivery{
			{LineChannel: ledger.LineChannel{Channel: "phone", State: "dead", Reason: "http_500"}, DeliveryID: phone, Cause: "fallback"},
			{LineChannel: ledger.LineChannel{Channel: "pager", State: "delivered"}, DeliveryID: pager, Cause: "fallback"},
		}
		if l := line(); l.Later == nil || cmp.Diff(later, l.Later.Channels) != "" {
			t.Errorf("%+v", l.Later)
		}
		exec(t, db, "UPDATE deliveries SET instead_id = ? WHERE id = ?", b.delivery, pager) // a circle is no story without an end
		if verdict(b.delivery) == "" || line().Later == nil {
			t.Error("a circle")
		}

		exec(t, db, "UPDATE deliveries SET state = 'suppressed', reason = 'throttled', message_id = NULL WHERE id = ?", b.delivery)
		exec(t, db, "UPDATE ledger SET state = 'suppressed', reason = 'throttled'")
		late := stand(t, db, b, b.delivery, b.channel, "throttle", "delivered", 2)
		want = "Channel ops was held back: the channel had as many messages as it takes. When there was room, channel ops was told of the firing at 2026-03-01 10:05:00Z, by delivery " + late.String()
		if diff := cmp.Diff(want, verdict(b.delivery)); diff != "" {
			t.Error(diff)
		}
		later = []ledger.LineDelivery{{LineChannel: ledger.LineChannel{Channel: "ops", State: "delivered"}, DeliveryID: late, Cause: "throttle"}}
		if l := line(); l.Later == nil || cmp.Diff(later, l.Later.Channels) != "" {
			t.Errorf("%+v", l.Later)
		}
	})
}

// TestWhyRightAfterARun: a line that is not booked yet does not say of a run that ended that it has not.
func TestWhyRightAfterARun(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		b := fill(t, db, 1)
		exec(t, db, "UPDATE ledger SET state = 'pending', settled_at = NULL")
		words := func() string {
			got, err := r.Why(t.Context(), "a", b.run)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range got.Steps {
				if s.What == "ledger" {
					return s.Why
				}
			}
			t.Fatalf("no ledger in %+v", got.Steps)
			return ""
		}
		if got := words(); got != "the run of page is over, and its outcome is about to be booked" {
			t.Error(got)
		}
		exec(t, db, "UPDATE deliveries SET state = 'dead', reason = 'http_404'")
		if got := words(); got != "channel ops was given up after 2 tries: the receiver answered 404; whether another channel is told instead is being settled" {
			t.Error(got)
		}
		exec(t, db, "UPDATE deliveries SET state = 'delivered', reason = ''")
		exec(t, db, "UPDATE runs SET state = 'running', finished_at = NULL")
		if got := words(); got != "the run of page is not over" {
			t.Error(got)
		}
	})
}
