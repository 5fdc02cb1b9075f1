package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/registry"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// mailbox notes what is posted to it.
type mailbox struct {
	*httptest.Server
	status int
	mu     sync.Mutex
	got    []map[string]any
	keys   []string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	m := &mailbox{status: http.StatusOK}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var doc map[string]any
		_ = json.Unmarshal(raw, &doc)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got, m.keys = append(m.got, doc), append(m.keys, r.Header.Get("Idempotency-Key"))
		w.WriteHeader(m.status)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mailbox) all() []map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]map[string]any{}, m.got...)
}

// byHand is a service over real drivers; reload makes it hear of changed channels.
func byHand(t *testing.T, db *storage.DB) (s *notify.Service, admin *notify.ChannelService, reload func()) {
	t.Helper()
	admin = channels(t, db, "127.0.0.0/8")
	live := notify.NewChannels(admin.Active)
	notices, err := notify.NewNotices(redact.New())
	if err != nil {
		t.Fatal(err)
	}
	claims := queue.NewClaims(db, clock.System())
	s, err = notify.New(notify.Config{
		DB: db, Log: testkit.Logger(t), Bell: queue.NewLocal(), Claims: claims, Channels: live, Notices: notices, Lease: engineLease,
		Admin: admin, Incidents: desk{},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Attach(noRuns{})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		claims.Stop()
	})
	return s, admin, func() {
		t.Helper()
		if err := live.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// recorded is a delivery by hand as lists show it.
func recorded(t *testing.T, db *storage.DB, delivery id.ID) notify.DeliveryDetail {
	t.Helper()
	d, err := reader(t, db).Delivery(t.Context(), tenant, delivery)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestHandTest: one attempt, also of a channel that is off, with everything on record.
func TestHandTest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, admin, _ := byHand(t, db)
		box := newMailbox(t)
		in := generic("ops", `{"endpoint":"`+box.URL+`","headers":{"Authorization":"Bearer hunter2"}}`)
		in.IsActive = false
		c := create(t, admin, in)
		for _, ref := range []string{"ops", c.ID.String()} {
			got, err := s.Hand.Test(t.Context(), tenant, ref)
			if err != nil || !got.Success || got.Driver != "generic" || got.Channel != "ops" || got.Error != "" {
				t.Fatalf("%+v, %v", got, err)
			}
			d := recorded(t, db, got.DeliveryID)
			if d.Kind != channel.KindTest || d.State != event.StateDelivered || d.Cause != "test" || d.ChannelID != c.ID || d.FinishedAt == nil || d.SendingSince != nil {
				t.Errorf("%+v", d.DeliveryView)
			}
			if len(d.Attempts) != 1 || d.Attempts[0].Verdict != channel.Done || d.Attempts[0].Status != 200 || d.AttemptCount != 1 || d.Title == "" {
				t.Errorf("%+v", d.DeliveryView)
			}
		}
		odd := create(t, admin, generic("odd", `{"endpoint":"`+box.URL+`","text_template":{"type":"inline","template":"{{ 1 / 0 }}"}}`))
		if got, err := s.Hand.Test(t.Context(), tenant, odd.ID.String()); err != nil || !got.Success || !strings.Contains(got.Remark, "text_template") {
			t.Errorf("a template that fails: %+v, %v", got, err)
		}
		box.mu.Lock()
		box.status = http.StatusServiceUnavailable
		box.mu.Unlock()
		got, err := s.Hand.Test(t.Context(), tenant, "ops")
		if err != nil || got.Success || got.Error == "" || got.Result.Status != 503 {
			t.Errorf("%+v, %v", got, err)
		}
		if d := recorded(t, db, got.DeliveryID); d.State != event.StateDead || d.Reason != "http_503" || len(d.Attempts) != 1 {
			t.Errorf("a busy receiver: %+v", d.DeliveryView)
		}
		if n := len(box.all()); n != 4 {
			t.Errorf("%d calls", n)
		}
		if n := count(t, db, "SELECT count(*) FROM jobs"); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
		if _, err := s.Hand.Test(t.Context(), tenant, "nowhere"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("no such channel: %v", err)
		}
		if _, err := s.Hand.Test(t.Context(), "other", "ops"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's: %v", err)
		}
	})
}

func count(t *testing.T, db *storage.DB, sql string) (n int) {
	t.Helper()
	if err := db.Read(t.Context()).Raw(sql).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHandSend: whom a message goes to, by what names it.
func TestHandSend(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, admin, reload := byHand(t, db)
		own, ops, dev := newMailbox(t), newMailbox(t), newMailbox(t)
		config := func(m *mailbox) json.RawMessage {
			return json.RawMessage(`{"endpoint":"` + m.URL + `","secret":"s3cr3t-of-the-request","payload_template":{"type":"inline","template":"{{ 7 * 7 }}"},"channel":"#there"}`)
		}
		send := func(in notify.SendInput) (notify.SendResult, error) {
			in.Title, in.Message = "Deploy\nis done", "first line\nsecond line\x1b[31m"
			return s.Hand.Send(t.Context(), tenant, in)
		}
		// Nothing is active: generic, with the settings of the request.
		got, err := send(notify.SendInput{Config: config(own), Severity: "Success", Tags: map[string]string{"source": "ci", "incident_id": "42"}, Context: map[string]any{
			"recommendations": map[string]any{"b": map[string]any{"title": "B"}, "a": map[string]any{"title": "A"}},
		}})
		if err != nil || !got.Success || got.Driver != "generic" || got.Channel != "generic" {
			t.Fatalf("%+v, %v", got, err)
		}
		m := own.all()[0]
		if m["title"] != "Deploy is done" || m["severity"] != "success" || !strings.HasPrefix(m["message"].(string), "first line\nsecond line") || strings.Contains(m["message"].(string), "\x1b") {
			t.Errorf("it got %v", m)
		}
		if list, _ := m["recommendations"].([]any); m["source"] != "ci" || m["incident_id"] != "42" || fmt.Sprint(list) != "[map[title:A] map[title:B]]" {
			t.Errorf("it got %v", m)
		}
		d := recorded(t, db, got.DeliveryID)
		if d.Kind != channel.KindSent || d.Cause != "sent" || !d.ChannelID.IsZero() || d.ChannelName != "" || d.Driver != "generic" || d.State != event.StateDelivered {
			t.Errorf("%+v", d.DeliveryView)
		}
		if own.keys[0] != d.IdemKey {
			t.Errorf("sent under %q, recorded as %q", own.keys[0], d.IdemKey)
		}
		for _, table := range []string{"deliveries", "messages", "message_attempts", "channels", "secrets"} {
			if table == "messages" && strings.Contains(string(d.Body), "s3cr3t") || count(t, db, "SELECT count(*) FROM "+table) > 1 {
				t.Errorf("%s holds what came with the request", table)
			}
		}
		create(t, admin, generic("ops", `{"endpoint":"`+ops.URL+`"}`))
		create(t, admin, generic("dev", `{"endpoint":"`+dev.URL+`"}`))
		reload()
		for name, tt := range map[string]struct {
			in   notify.SendInput
			to   *mailbox
			want string // driver/channel
		}{
			"nobody":           {notify.SendInput{}, dev, "generic/dev"},
			"a channel":        {notify.SendInput{Target: "ops"}, ops, "generic/ops"},
			"by the body":      {notify.SendInput{Driver: "ops"}, ops, "generic/ops"},
			"the path wins":    {notify.SendInput{Target: "dev", Driver: "ops"}, dev, "generic/dev"},
			"a driver":         {notify.SendInput{Target: "generic", Config: config(own)}, own, "generic/generic"},
			"settings ignored": {notify.SendInput{Target: "ops", Config: config(own)}, ops, "generic/ops"},
		} {
			before := len(tt.to.all())
			got, err := send(tt.in)
			if err != nil || got.Driver+"/"+got.Channel != tt.want || len(tt.to.all()) != before+1 {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	})
}

// TestHandSendRefused: what cannot be sent is not, and leaves no trace.
func TestHandSendRefused(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, storage.SQLite)
	s, _, _ := byHand(t, db)
	for name, tt := range map[string]struct {
		in   notify.SendInput
		want []string
	}{
		"no words":         {notify.SendInput{Target: "generic", Title: " "}, []string{"title", "message"}},
		"no object":        {notify.SendInput{Target: "generic", Title: "a", Message: "b", Config: json.RawMessage(`[1]`)}, []string{"config"}},
		"unknown setting":  {notify.SendInput{Target: "generic", Title: "a", Message: "b", Config: json.RawMessage(`{"endpoint":"http://127.0.0.1:1","speed":3}`)}, []string{"config.speed"}},
		"address not ours": {notify.SendInput{Target: "generic", Title: "a", Message: "b", Config: json.RawMessage(`{"endpoint":"http://169.254.169.254/latest"}`)}, []string{"config.endpoint"}},
		"a mask":           {notify.SendInput{Target: "generic", Title: "a", Message: "b", Config: json.RawMessage(`{"endpoint":"http://127.0.0.1:1","secret":{"configured":true}}`)}, []string{"config.secret"}},
	} {
		_, err := s.Hand.Send(t.Context(), tenant, tt.in)
		if diff := cmp.Diff(tt.want, fieldsOf(err)); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if _, err := s.Hand.Send(t.Context(), tenant, notify.SendInput{Target: "pigeon", Title: "a", Message: "b"}); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("unknown driver: %v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM deliveries"); n != 0 {
		t.Errorf("%d deliveries", n)
	}
}

// TestHandAbandoned: an attempt whose process died ends, and is not made again.
func TestHandAbandoned(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, admin, _ := byHand(t, db)
		hang := make(chan struct{})
		box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { <-hang }))
		t.Cleanup(box.Close)
		create(t, admin, generic("ops", `{"endpoint":"`+box.URL+`"}`))
		over := make(chan notify.SendResult)
		go func() {
			r, _ := s.Hand.Test(t.Context(), tenant, "ops")
			over <- r
		}()
		sending := func() bool { return count(t, db, "SELECT count(*) FROM deliveries WHERE state = 'sending'") == 1 }
		testkit.Eventually(t, time.Minute, sending, "nothing is sent")
		run(t, db, `UPDATE jobs SET due_at = ? WHERE kind = 'hand'`, started)
		s.Timers.Start()
		testkit.Eventually(t, time.Minute, func() bool {
			return count(t, db, "SELECT count(*) FROM deliveries WHERE state = 'dead' AND reason = 'interrupted'") == 1
		}, "it does not end")
		if n := count(t, db, "SELECT count(*) FROM jobs"); n != 0 {
			t.Errorf("%d jobs", n)
		}
		close(hang) // the process was only slow: what it knows counts
		got := <-over
		if d := recorded(t, db, got.DeliveryID); !got.Success || d.State != event.StateDelivered || d.Reason != "" || len(d.Attempts) != 1 {
			t.Errorf("%+v: %+v", got, d.DeliveryView)
		}
	})
}
