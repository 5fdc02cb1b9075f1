package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func run(t *testing.T, db *storage.DB, sql string, args ...any) {
	t.Helper()
	if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatal(err)
	}
}

// book is a stored delivery with its message.
type book struct {
	id, message, channel, incident  id.ID
	tenant, driver, kind, state     string
	reason, severity, title, idem   string
	body                            string
	attempts                        int
	created                         time.Time
	next, sending, finished, readAt *time.Time
}

func (b book) store(t *testing.T, db *storage.DB) book {
	t.Helper()
	b.id = id.New()
	if b.tenant == "" {
		b.tenant = tenant
	}
	if b.idem == "" {
		b.idem = b.id.String()
	}
	if b.created.IsZero() {
		b.created = started
	}
	if b.body != "" {
		b.message = id.New()
		run(t, db, `INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, incident_id, severity, title, encoding, body, provider_ref, created_at, read_at)
			VALUES (?,?,?,?,?,?,?,?,0,?,?,?,?)`, b.message, b.tenant, b.channel, b.driver, b.idem, b.incident, b.severity, b.title, []byte(b.body), "ref-1", b.created, b.readAt)
	}
	run(t, db, `INSERT INTO deliveries (id, tenant_id, idem_key, incident_id, event_seq, step, channel_id, kind, severity, message_id, state, reason, attempts, trace_id,
		created_at, expires_at, next_at, sending_since, finished_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, b.id, b.tenant, b.idem, b.incident, 1, 0, b.channel,
		b.kind, b.severity, b.message, b.state, b.reason, b.attempts, "trace-1", b.created, b.created.Add(time.Hour), b.next, b.sending, b.finished)
	return b
}

func attempt(t *testing.T, db *storage.DB, message id.ID, n, status int, verdict, text string) {
	t.Helper()
	run(t, db, `INSERT INTO message_attempts (message_id, n, tenant_id, at, status, latency_us, verdict, error, response) VALUES (?,?,?,?,?,?,?,?,?)`,
		message, n, tenant, started.Add(time.Duration(n)*time.Second), status, 1500, verdict, text, "answer")
}

func incident(t *testing.T, db *storage.DB, title string) id.ID {
	t.Helper()
	i := id.New()
	run(t, db, `INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at)
		VALUES (?,?,?,?,'','open','critical',1,'',?,?)`, i, tenant, i.String(), title, started, started)
	return i
}

func reader(t *testing.T, db *storage.DB) *notify.Reader {
	t.Helper()
	r, err := notify.NewReader(db)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ops := create(t, channels(t, db), generic("ops", `{"endpoint":"https://a.example"}`))
		disk, cpu := incident(t, db, "Disk full"), incident(t, db, "CPU hot")
		end := started.Add(5 * time.Second)
		body := `{"z":1,"a":[1.50]}`
		dead := book{
			channel: ops.ID, driver: "generic", incident: disk, kind: "firing", state: "dead", reason: "http_404", severity: "critical", title: "[CRITICAL] Disk full",
			body: body, attempts: 2, finished: &end,
		}.store(t, db)
		attempt(t, db, dead.message, 1, 500, "retry", "receiver answered 500")
		attempt(t, db, dead.message, 2, 404, "permanent", "receiver answered 404")
		held := book{channel: ops.ID, incident: disk, kind: "updated", state: "suppressed", reason: "below_min_severity", severity: "info", finished: &end}.store(t, db)
		sending := book{channel: ops.ID, driver: "generic", incident: cpu, kind: "firing", state: "sending", severity: "critical", title: "cpu", body: `{"a":1}`, sending: &end}.store(t, db)
		gone := book{channel: id.New(), driver: "generic", incident: cpu, kind: "resolved", state: "pending", severity: "success", title: "gone", body: `{}`, next: &end}.store(t, db)
		book{tenant: "other", channel: ops.ID, incident: cpu, kind: "firing", state: "dead", severity: "critical"}.store(t, db)
		theRun, theDef := id.New(), id.New()
		run(t, db, `INSERT INTO delivery_routes (run_id, delivery_id, tenant_id, definition_id, node) VALUES (?,?,?,?,?)`, theRun, dead.id, tenant, theDef, "tell")

		r := reader(t, db)
		for name, tt := range map[string]struct {
			filter notify.DeliveryFilter
			want   []id.ID
		}{
			"all":      {notify.DeliveryFilter{}, []id.ID{gone.id, sending.id, held.id, dead.id}},
			"states":   {notify.DeliveryFilter{States: []string{"dead", "suppressed"}}, []id.ID{held.id, dead.id}},
			"kinds":    {notify.DeliveryFilter{Kinds: []channel.Kind{channel.KindResolved}}, []id.ID{gone.id}},
			"severity": {notify.DeliveryFilter{Severity: "critical"}, []id.ID{sending.id, dead.id}},
			"channel":  {notify.DeliveryFilter{Channel: ops.ID}, []id.ID{sending.id, held.id, dead.id}},
			"incident": {notify.DeliveryFilter{Incident: disk}, []id.ID{held.id, dead.id}},
			"run":      {notify.DeliveryFilter{Run: theRun}, []id.ID{dead.id}},
			"nothing":  {notify.DeliveryFilter{Run: id.New()}, nil},
		} {
			page, err := r.Deliveries(t.Context(), tenant, tt.filter, storage.Paging{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var got []id.ID
			for _, d := range page.Items {
				got = append(got, d.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || page.Items == nil {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		var paged []id.ID
		p := storage.Paging{Limit: 3}
		for {
			page, err := r.Deliveries(t.Context(), tenant, notify.DeliveryFilter{}, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.Items {
				paged = append(paged, d.ID)
			}
			if page.NextCursor == "" {
				break
			}
			if p.Before, err = storage.ParseCursor(page.NextCursor); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]id.ID{gone.id, sending.id, held.id, dead.id}, paged); diff != "" {
			t.Errorf("by pages:\n%s", diff)
		}

		page, err := r.Deliveries(t.Context(), tenant, notify.DeliveryFilter{Attempts: true}, storage.Paging{})
		if err != nil {
			t.Fatal(err)
		}
		want := notify.DeliveryView{
			ID: dead.id, IncidentID: disk, IncidentTitle: "Disk full", EventSeq: 1, ChannelID: ops.ID, ChannelName: "ops", Driver: "generic", Kind: "firing",
			State: "dead", Reason: "http_404", Severity: "critical", Title: "[CRITICAL] Disk full", IdemKey: dead.idem, MessageID: dead.message,
			TraceID: "trace-1", ProviderRef: "ref-1", Parts: 1, AttemptCount: 2, CreatedAt: started, ExpiresAt: started.Add(time.Hour), FinishedAt: &end,
			Attempts: []notify.AttemptView{
				{MessageID: dead.message, N: 1, At: started.Add(time.Second), Status: 500, LatencyMS: 1.5, Verdict: "retry", Error: "receiver answered 500", Response: "answer"},
				{MessageID: dead.message, N: 2, At: started.Add(2 * time.Second), Status: 404, LatencyMS: 1.5, Verdict: "permanent", Error: "receiver answered 404", Response: "answer"},
			},
		}
		if diff := cmp.Diff(want, page.Items[3]); diff != "" {
			t.Errorf("view (-want +got):\n%s", diff)
		}
		if g := page.Items[0]; g.ChannelName != "" || g.Driver != "generic" || g.NextAt == nil || !g.NextAt.Equal(end) || g.Attempts != nil {
			t.Errorf("of a deleted channel: %+v", g)
		}
		if h := page.Items[2]; h.Title != "" || !h.MessageID.IsZero() || h.Driver != "generic" {
			t.Errorf("never rendered: %+v", h)
		}
		if s := page.Items[1]; s.SendingSince == nil || !s.SendingSince.Equal(end) {
			t.Errorf("on the wire: %+v", s)
		}

		detail, err := r.Delivery(t.Context(), tenant, dead.id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, detail.DeliveryView); diff != "" {
			t.Errorf("detail (-want +got):\n%s", diff)
		}
		if string(detail.Body) != `{"z":1,"a":[1.50]}` {
			t.Errorf("body %s: not the bytes that are sent", detail.Body)
		}
		if diff := cmp.Diff([]notify.RouteView{{RunID: theRun, DefinitionID: theDef, Node: "tell"}}, detail.Routes); diff != "" {
			t.Errorf("routes:\n%s", diff)
		}
		if d, err := r.Delivery(t.Context(), tenant, held.id); err != nil || d.Body != nil || len(d.Routes) != 0 {
			t.Errorf("without a message: %+v %v", d, err)
		}
		if _, err := r.Delivery(t.Context(), "other", dead.id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant: %v", err)
		}
		m, err := r.Message(t.Context(), tenant, dead.message)
		if err != nil || len(m.Attempts) != 2 || m.ChannelName != "ops" || m.Verdict != channel.Permanent || string(m.Body) != `{"z":1,"a":[1.50]}` {
			t.Errorf("message %+v %v", m, err)
		}
		if _, err := r.Message(t.Context(), "other", dead.message); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's message: %v", err)
		}
	})
}

func TestInbox(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		box, err := notify.NewInbox(db)
		if err != nil {
			t.Fatal(err)
		}
		if page, err := box.List(t.Context(), tenant, notify.InboxFilter{}, storage.Paging{}); err != nil || len(page.Items) != 0 || page.Items == nil {
			t.Errorf("without an inbox: %+v %v", page, err)
		}
		if err := s.EnsureInbox(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		inbox, err := s.Get(t.Context(), tenant, "inbox")
		if err != nil {
			t.Fatal(err)
		}
		ops := create(t, s, generic("ops", `{"endpoint":"https://a.example"}`))
		disk := incident(t, db, "Disk full")
		var all []id.ID
		for i := range 5 {
			b := book{
				channel: inbox.ID, driver: "inbox", kind: "firing", state: "delivered", severity: "critical", title: fmt.Sprintf("message %d", i),
				body: fmt.Sprintf(`{"event":"firing","text":"text %d","alerts":[]}`, i),
			}
			if i == 3 {
				b.incident, b.severity = disk, "info"
			}
			all = append([]id.ID{b.store(t, db).message}, all...)
		}
		book{channel: ops.ID, driver: "generic", kind: "firing", state: "delivered", severity: "critical", title: "not here", body: `{}`}.store(t, db)
		book{tenant: "other", channel: inbox.ID, driver: "inbox", kind: "firing", state: "delivered", severity: "critical", title: "not yours", body: `{}`}.store(t, db)

		list := func(f notify.InboxFilter) []id.ID {
			t.Helper()
			var got []id.ID
			for p := (storage.Paging{Limit: 2}); ; {
				page, err := box.List(t.Context(), tenant, f, p)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range page.Items {
					got = append(got, m.ID)
				}
				if page.NextCursor == "" {
					return got
				}
				if p.Before, err = storage.ParseCursor(page.NextCursor); err != nil {
					t.Fatal(err)
				}
			}
		}
		unread := func(want int) {
			t.Helper()
			if n, err := box.Unread(t.Context(), tenant); err != nil || n != want {
				t.Errorf("%d unread, want %d; %v", n, want, err)
			}
		}
		if diff := cmp.Diff(all, list(notify.InboxFilter{})); diff != "" {
			t.Errorf("all:\n%s", diff)
		}
		if diff := cmp.Diff(all[1:2], list(notify.InboxFilter{Incident: disk, Severity: "info"})); diff != "" {
			t.Errorf("by incident:\n%s", diff)
		}
		if got := list(notify.InboxFilter{Channel: ops.ID}); got != nil {
			t.Errorf("a channel that is no inbox: %v", got)
		}
		page, err := box.List(t.Context(), tenant, notify.InboxFilter{Channel: inbox.ID}, storage.Paging{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		got := page.Items[0]
		sameJSON(t, `{"event":"firing","text":"text 4","alerts":[]}`, got.Body)
		got.Body = nil
		want := notify.InboxMessage{
			ID: all[0], ChannelID: inbox.ID, IdemKey: got.IdemKey, Severity: "critical", Title: "message 4", Event: "firing", Text: "text 4", CreatedAt: started,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}

		unread(5)
		if n, err := box.MarkRead(t.Context(), tenant, all[0], all[3], id.New()); err != nil || n != 2 {
			t.Errorf("marked %d, %v", n, err)
		}
		if n, err := box.MarkRead(t.Context(), tenant, all[0]); err != nil || n != 0 {
			t.Errorf("marked again %d, %v", n, err)
		}
		if n, err := box.MarkRead(t.Context(), "other", all[1]); err != nil || n != 0 {
			t.Errorf("marked by another tenant: %d, %v", n, err)
		}
		unread(3)
		if diff := cmp.Diff([]id.ID{all[1], all[2], all[4]}, list(notify.InboxFilter{Unread: true})); diff != "" {
			t.Errorf("unread:\n%s", diff)
		}
		if n, err := box.MarkAllRead(t.Context(), tenant, all[2]); err != nil || n != 2 {
			t.Errorf("marked up to the third: %d, %v", n, err)
		}
		unread(1)
		if _, err := box.MarkRead(t.Context(), tenant, make([]id.ID, 1001)...); !errors.Is(err, notify.ErrTooMany) {
			t.Errorf("too many: %v", err)
		}
		second := create(t, s, notify.ChannelInput{Name: "audit", Driver: "inbox", IsActive: true})
		last := book{channel: second.ID, driver: "inbox", kind: "firing", state: "delivered", severity: "info", title: "audit", body: `{"text":"x"}`}.store(t, db)
		if got := list(notify.InboxFilter{Unread: true}); len(got) != 2 || got[0] != last.message {
			t.Errorf("of both inboxes: %v", got)
		}
		unread(2)
		if _, err := json.Marshal(page); err != nil {
			t.Error(err)
		}
	})
}
