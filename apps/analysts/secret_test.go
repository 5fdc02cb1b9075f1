package analysts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const masks = `{"base_url":"https://a.example/v1","api_key":{"configured":true},"headers":{"X-Auth":{"configured":true},"X-Team":"ops"}}`

// TestSecretsStayIn: what was entered is in no row as it is, in no answer and in no line of the log.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		var log bytes.Buffer
		client, err := httpclient.New(httpclient.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		s, err := analysts.New(analysts.Config{
			DB: db, Secrets: store(t, db), Kinds: kinds{}, URLs: client,
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := create(t, s, remote("main", `{"api_key":"canary-key","headers":{"X-Auth":"canary-header","X-Team":"ops"}}`))
		sameJSON(t, `{"api_key":{"configured":true},"headers":{"X-Auth":{"configured":true},"X-Team":"ops"}}`, r.Config.V)
		up, err := s.Update(t.Context(), tenant, "main", 0, remote("main", `{"api_key":"canary-other"}`))
		if err != nil {
			t.Fatal(err)
		}
		on, err := s.Activate(t.Context(), tenant, "main", 0)
		if err != nil {
			t.Fatal(err)
		}
		_, refused := s.Update(t.Context(), tenant, "main", 0, remote("main", `{"api_key":"canary\n","model":"leaks"}`))
		if refused == nil {
			t.Error("a key of two lines is taken")
		}
		list, err := s.List(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.All(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		sameJSON(t, `{"api_key":"canary-other","headers":{"X-Auth":"canary-header"}}`, all[0].Config)
		if err := db.From(t.Context()).Exec("DELETE FROM secrets WHERE field = 'api_key'").Error; err != nil {
			t.Fatal(err)
		}
		lost, err := s.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, sql := range []string{"SELECT CAST(config AS TEXT) FROM providers", "SELECT value FROM secrets"} {
			var some []string
			if err := db.Read(t.Context()).Raw(sql).Scan(&some).Error; err != nil {
				t.Fatal(err)
			}
			rows = append(rows, some...)
		}
		shown := fmt.Sprintf("%+v %+v %+v %+v %v %v %v %+v %#v %s %v %v", r, up, on, list, refused, rows, all, all, all, all, lost, lost[0].Err)
		if len(rows) != 2 || log.Len() == 0 || strings.Contains(shown+log.String(), "canary") {
			t.Errorf("a secret shows in %s\n%s", shown, log.String())
		}
	})
}

// TestSecretsOnUpdate: masks and missing keys keep, null and "" remove, a new host asks again.
func TestSecretsOnUpdate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		both := []string{"config.api_key", "config.headers.X-Auth"}
		stored := map[string]string{"api_key": "k1", "headers.X-Auth": "h1"}
		const first = `{"base_url":"https://a.example/v1","api_key":"k1","headers":{"X-Auth":"h1","X-Team":"ops"}}`
		for name, tt := range map[string]struct {
			was, config string
			want        string            // shown afterwards
			secrets     map[string]string // stored afterwards; nil: refused
			problems    []string
		}{
			"nothing given":   {first, ``, masks, stored, nil},
			"masks sent back": {first, masks, masks, stored, nil},
			"keys left out":   {first, `{"base_url":"https://a.example/v1","headers":{"X-Team":"ops"}}`, masks, stored, nil},
			"another value": {
				first, `{"base_url":"https://a.example/v1","api_key":"k2","headers":{"X-Team":"ops"}}`, masks,
				map[string]string{"api_key": "k2", "headers.X-Auth": "h1"},
				nil,
			},
			"removed": {
				first, `{"base_url":"https://a.example/v1","api_key":"","headers":null}`, `{"base_url":"https://a.example/v1"}`,
				map[string]string{},
				nil,
			},
			"another path of the host": {
				first, `{"base_url":"https://A.example:443/other"}`,
				`{"base_url":"https://A.example:443/other","api_key":{"configured":true},"headers":{"X-Auth":{"configured":true}}}`, stored,
				nil,
			},
			"the other name of the setting": {
				first, `{"host":"https://a.example"}`,
				`{"host":"https://a.example","api_key":{"configured":true},"headers":{"X-Auth":{"configured":true}}}`, stored,
				nil,
			},
			"another host":          {first, `{"base_url":"https://evil.example/v1"}`, "", nil, both},
			"another port":          {first, `{"base_url":"https://a.example:8443/v1"}`, "", nil, both},
			"no encryption":         {first, `{"base_url":"http://a.example/v1"}`, "", nil, both},
			"the other key":         {first, `{"host":"https://evil.example/v1"}`, "", nil, both},
			"both keys":             {first, `{"base_url":"https://a.example/v1","host":"https://evil.example/v1"}`, "", nil, both},
			"without scheme":        {first, `{"host":"evil.example"}`, "", nil, both},
			"to the vendor's own":   {first, `{}`, "", nil, both},
			"another host, one new": {first, `{"base_url":"https://evil.example/v1","api_key":"new"}`, "", nil, both[1:]},
			"another host, entered again": {
				first, `{"base_url":"https://b.example","api_key":"new","headers":null}`, `{"base_url":"https://b.example","api_key":{"configured":true}}`,
				map[string]string{"api_key": "new"},
				nil,
			},
			"from the vendor's own": {`{"api_key":"k1"}`, `{"base_url":"https://evil.example"}`, "", nil, both[:1]},
			"the vendor's own, written out": {
				`{"api_key":"k1"}`, `{"base_url":"https://api.vendor.example/v2"}`,
				`{"base_url":"https://api.vendor.example/v2","api_key":{"configured":true}}`,
				map[string]string{"api_key": "k1"},
				nil,
			},
			"one without scheme for another": {`{"host":"a.example","api_key":"k1"}`, `{"host":"evil.example"}`, "", nil, both[:1]},
			"one with a port for another":    {`{"host":"a.example:1","api_key":"k1"}`, `{"host":"evil.example:1"}`, "", nil, both[:1]},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := service(t, db)
				r := create(t, s, remote(name, tt.was))
				in := analysts.InputOf(r)
				in.Config = nil
				if tt.config != "" {
					in.Config = json.RawMessage(tt.config)
				}
				got, err := s.Update(t.Context(), tenant, r.ID.String(), r.Version, in)
				if diff := cmp.Diff(tt.problems, fieldsOf(err)); diff != "" {
					t.Fatalf("problems (-want +got):\n%s%v", diff, err)
				}
				if tt.secrets == nil {
					if again, err := s.Get(t.Context(), tenant, r.ID.String()); err != nil || again.Version != r.Version {
						t.Errorf("refused, and changed: %+v %v", again, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				sameJSON(t, tt.want, got.Config.V)
				if diff := cmp.Diff(tt.secrets, secretsOf(t, db, r.ID)); diff != "" {
					t.Errorf("secrets (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func secretsOf(t *testing.T, db *storage.DB, record id.ID) map[string]string {
	t.Helper()
	all, err := store(t, db).All(t.Context(), tenant, "providers", record)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for field, v := range all {
		out[field] = v.Reveal()
	}
	return out
}
