package notify_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/registry"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const tenant = "default"

func secrets(t *testing.T, db *storage.DB) *secretstore.Store {
	t.Helper()
	ring, err := secret.NewKeyring(secret.NewString(strings.Repeat("k", 40)))
	if err != nil {
		t.Fatal(err)
	}
	store, err := secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func channels(t *testing.T, db *storage.DB, allow ...string) *notify.ChannelService {
	t.Helper()
	client := channeltest.Client(t, allow...)
	drivers, err := registry.New(registry.Builtin(registry.Deps{HTTP: client, Console: io.Discard})...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: secrets(t, db), Drivers: drivers, URLs: client, Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func generic(name, config string) notify.ChannelInput {
	return notify.ChannelInput{Name: name, Driver: "generic", Config: json.RawMessage(config), IsActive: true}
}

func create(t *testing.T, s *notify.ChannelService, in notify.ChannelInput) notify.Channel {
	t.Helper()
	c, err := s.Create(t.Context(), tenant, in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fieldsOf(err error) []string {
	invalid, ok := errors.AsType[*notify.Invalid](err)
	if !ok {
		return nil
	}
	var out []string
	for _, p := range invalid.Problems {
		out = append(out, p.Field)
	}
	return out
}

// sameJSON compares documents, not their spelling.
func sameJSON(t *testing.T, want string, got json.RawMessage) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(want), &a), json.Unmarshal(got, &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func generation(t *testing.T, db *storage.DB) int64 {
	t.Helper()
	n, err := db.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestChannelLife(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		before := generation(t, db)
		in := generic("ops", `{"endpoint":"https://hooks.example/x","headers":{"X-Team":"ops"}}`)
		in.Description, in.MinSeverity = "the team", event.SeverityWarning
		c := create(t, s, in)
		if c.Version != 1 || c.ID.IsZero() || generation(t, db) != before+1 {
			t.Errorf("created %+v at generation %d", c, generation(t, db))
		}
		for _, ref := range []string{"ops", c.ID.String()} {
			got, err := s.Get(t.Context(), tenant, ref)
			if err != nil || got.ID != c.ID || got.Description != "the team" || got.MinSeverity != "warning" || !got.IsActive {
				t.Errorf("Get(%s): %+v %v", ref, got, err)
			}
			sameJSON(t, `{"endpoint":"https://hooks.example/x","headers":{"X-Team":"ops"}}`, got.Config.V)
		}
		change := notify.InputOf(c)
		change.Name, change.IsActive, change.MinSeverity = "ops 2", false, ""
		c2, err := s.Update(t.Context(), tenant, "ops", 1, change)
		if err != nil || c2.Version != 2 || c2.Name != "ops 2" || c2.IsActive || !c2.CreatedAt.Equal(c.CreatedAt) {
			t.Fatalf("updated %+v, %v", c2, err)
		}
		if _, err := s.Update(t.Context(), tenant, c.ID.String(), 1, change); !errors.Is(err, notify.ErrConflict) {
			t.Errorf("an old version: %v", err)
		}
		create(t, s, generic("another", `{"endpoint":"https://hooks.example/y"}`))
		if _, err := s.Create(t.Context(), tenant, generic("ops 2", `{}`)); !errors.Is(err, notify.ErrExists) {
			t.Errorf("a name that is taken: %v", err)
		}
		change.Name = "another"
		if _, err := s.Update(t.Context(), tenant, c.ID.String(), 0, change); !errors.Is(err, notify.ErrExists) {
			t.Errorf("renamed to a name that is taken: %v", err)
		}
		list, err := s.List(t.Context(), tenant)
		if err != nil || len(list) != 2 || list[0].Name != "another" || list[1].Name != "ops 2" {
			t.Errorf("list %+v %v", list, err)
		}
		at := generation(t, db)
		if err := s.Delete(t.Context(), tenant, "ops 2"); err != nil || generation(t, db) != at+1 {
			t.Errorf("delete: %v", err)
		}
		if _, err := s.Get(t.Context(), tenant, c.ID.String()); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("deleted, and still there: %v", err)
		}
		if err := s.Delete(t.Context(), tenant, "ops 2"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestChannelTenants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		c := create(t, s, generic("ops", `{"endpoint":"https://hooks.example/x","secret":"canary-1"}`))
		if _, err := s.Get(t.Context(), "other", c.ID.String()); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
		if _, err := s.Update(t.Context(), "other", c.ID.String(), 0, notify.InputOf(c)); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Update: %v", err)
		}
		if err := s.Delete(t.Context(), "other", c.ID.String()); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Delete: %v", err)
		}
		if list, err := s.List(t.Context(), "other"); err != nil || list == nil || len(list) != 0 {
			t.Errorf("List: %v %v", list, err)
		}
		if _, err := s.Create(t.Context(), "other", generic("ops", `{}`)); err != nil {
			t.Errorf("the same name in another tenant: %v", err)
		}
	})
}

func TestChannelProblems(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db, "127.0.0.1:9000")
		for name, tt := range map[string]struct {
			in   notify.ChannelInput
			want []string
		}{
			"no name":         {generic(" ", `{}`), []string{"name"}},
			"long name":       {generic(strings.Repeat("é", 101), `{}`), []string{"name"}},
			"everything":      {generic("*", `{}`), []string{"name"}},
			"an id":           {generic(id.New().String(), `{}`), []string{"name"}},
			"two lines":       {generic("a\nb", `{}`), []string{"name"}},
			"reordered":       {generic("a\u202eb", `{}`), []string{"name"}},
			"inbox":           {generic("inbox", `{}`), []string{"name"}},
			"driver":          {notify.ChannelInput{Name: "a", Driver: "pigeon"}, []string{"driver"}},
			"severity":        {notify.ChannelInput{Name: "a", Driver: "inbox", MinSeverity: "fatal"}, []string{"min_severity"}},
			"description":     {notify.ChannelInput{Name: "a", Driver: "inbox", Description: "\x1b"}, []string{"description"}},
			"no object":       {generic("a", `[]`), []string{"config"}},
			"unknown key":     {generic("a", `{"endpoint":"https://a.example","nope":1}`), []string{"config.nope"}},
			"secret's case":   {generic("a", `{"endpoint":"https://a.example","SECRET":"canary"}`), []string{"config.SECRET"}},
			"secret's type":   {generic("a", `{"endpoint":"https://a.example","secret":["canary"]}`), []string{"config.secret"}},
			"several":         {generic("", `{"method":"DELETE","endpoint":"x"}`), []string{"name", "config.endpoint", "config.method"}},
			"mask of nothing": {generic("a", `{"endpoint":"https://a.example","secret":{"configured":true}}`), []string{"config.secret"}},
			"loopback":        {generic("a", `{"endpoint":"http://127.0.0.1:9001/x"}`), []string{"config.endpoint"}},
			"metadata":        {generic("a", `{"webhook_url":"http://169.254.169.254/latest"}`), []string{"config.webhook_url"}},
			"header of two lines": {
				generic("a", `{"endpoint":"https://a.example","headers":{"Authorization":"a\r\nX: b"}}`), []string{"config.headers.Authorization"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				_, err := s.Create(t.Context(), tenant, tt.in)
				if diff := cmp.Diff(tt.want, fieldsOf(err)); diff != "" {
					t.Errorf("problems (-want +got):\n%s%v", diff, err)
				}
				if err != nil && strings.Contains(err.Error(), "canary") {
					t.Errorf("a value shows in %v", err)
				}
			})
		}
		_, err := s.Create(t.Context(), tenant, generic("a", `{"endpoint":"http://127.0.0.1:9001/x"}`))
		if err == nil || !strings.Contains(err.Error(), "HUB_EGRESS_ALLOW=127.0.0.1:9001") {
			t.Errorf("the complaint must name the line to add: %v", err)
		}
		create(t, s, generic("allowed", `{"endpoint":"http://127.0.0.1:9000/x"}`))
		if err := s.Validate("generic", json.RawMessage(`{"endpoint":"https://a.example"}`)); err != nil {
			t.Errorf("Validate: %v", err)
		}
		if err := s.Validate("generic", json.RawMessage(`{"nope":1}`)); fieldsOf(err) == nil {
			t.Errorf("Validate: %v", err)
		}
	})
}

func TestInboxIsBuiltIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.EnsureInbox(t.Context(), tenant); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		at := generation(t, db)
		if err := s.EnsureInbox(t.Context(), tenant); err != nil || generation(t, db) != at {
			t.Errorf("ensured again: %v, generation %d, was %d", err, generation(t, db), at)
		}
		list, err := s.List(t.Context(), tenant)
		if err != nil || len(list) != 1 || !list[0].BuiltIn() || !list[0].IsActive {
			t.Fatalf("list %+v %v", list, err)
		}
		if err := s.Delete(t.Context(), tenant, "inbox"); !errors.Is(err, notify.ErrBuiltIn) {
			t.Errorf("delete: %v", err)
		}
		in := notify.InputOf(list[0])
		in.Name = "mine"
		if _, err := s.Update(t.Context(), tenant, "inbox", 0, in); fieldsOf(err) == nil {
			t.Errorf("rename: %v", err)
		}
		in.Name, in.IsActive, in.Driver = "inbox", false, ""
		if c, err := s.Update(t.Context(), tenant, "inbox", 0, in); err != nil || c.IsActive || c.Driver != "inbox" {
			t.Errorf("deactivate: %+v %v", c, err)
		}
	})
}

// TestActive: what the sender gets sends with the secrets, and what cannot be used says why.
func TestActive(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		r := channeltest.Receive(t)
		s := channels(t, db, r.Allow)
		in := generic("good", `{"endpoint":"`+r.URL+`","headers":{"Authorization":"Bearer canary-1","X-Team":"ops"},"secret":"canary-2"}`)
		in.MinSeverity = event.SeverityCritical
		create(t, s, in)
		off := generic("off", `{"endpoint":"https://a.example"}`)
		off.IsActive = false
		create(t, s, off)
		lost := create(t, s, generic("lost", `{"endpoint":"https://a.example","secret":"canary-3"}`))
		create(t, s, generic("old", `{"endpoint":"https://a.example"}`))
		for _, sql := range []string{
			`UPDATE channels SET config = '{"endpoint":"https://a.example","gone":"canary-4"}' WHERE name = 'old'`,
			`INSERT INTO channels (id, tenant_id, name, driver, config, created_at, updated_at) SELECT ` + literal(db, id.New()) +
				`, 'other', 'pigeon', 'pigeon', '{}', created_at, updated_at FROM channels WHERE name = 'old'`,
		} {
			if err := db.From(t.Context()).Exec(sql).Error; err != nil {
				t.Fatal(err)
			}
		}
		if err := db.From(t.Context()).Exec("DELETE FROM secrets WHERE owner_id = ?", lost.ID).Error; err != nil {
			t.Fatal(err)
		}
		live, err := s.Active(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]*notify.Live{}
		for _, l := range live {
			byName[l.Name] = l
		}
		if len(live) != 4 || byName["off"] != nil || byName["pigeon"].Tenant != "other" {
			t.Fatalf("active: %v", byName)
		}
		good := byName["good"]
		if good.MinSeverity != "critical" || good.Driver != "generic" || !good.Spec.Repeatable || good.Tenant != tenant {
			t.Errorf("live %+v", good)
		}
		o := channeltest.Rendered(t, good.Channel, channeltest.Notice())
		if got := good.Channel.Send(t.Context(), o); got.Verdict != channel.Done {
			t.Fatalf("send: %+v", got)
		}
		sent := r.Requests()[0]
		if sent.Header.Get("Authorization") != "Bearer canary-1" || sent.Header.Get("X-Team") != "ops" || sent.Header.Get("X-IncidentHub-Signature") == "" {
			t.Errorf("sent with %v", sent.Header)
		}
		for name, want := range map[string]string{"lost": "secret is missing", "old": "config.gone", "pigeon": "available are"} {
			c := byName[name].Channel
			got := c.Send(t.Context(), channeltest.Rendered(t, c, channeltest.Notice()))
			if got.Verdict != channel.Permanent || got.Class != "bad_config" || !strings.Contains(got.Error, want) || strings.Contains(got.Error, "canary") {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

// literal writes an id into SQL text.
func literal(db *storage.DB, i id.ID) string {
	if db.Engine() == storage.Postgres {
		return "'" + i.String() + "'"
	}
	return "x'" + strings.ReplaceAll(i.String(), "-", "") + "'"
}
