package notify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const masks = `{"endpoint":"https://a.example/x","headers":{"Authorization":{"configured":true},"X-Team":"ops"},"secret":{"configured":true}}`

// TestSecretsStayIn: what was entered is in no row as it is, and in no answer.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		c := create(t, s, generic("ops", `{"endpoint":"https://user:canary-pw@a.example/x?token=canary-token&a=1","secret":"canary-key",`+
			`"headers":{"X-Api-Key":"canary-header","X-Team":"ops"}}`))
		sameJSON(t, `{"endpoint":"https://a.example/x?a=1","username":"user","password":{"configured":true},"query":{"token":{"configured":true}},
			"secret":{"configured":true},"headers":{"X-Api-Key":{"configured":true},"X-Team":"ops"}}`, c.Config.V)
		list, err := s.List(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, sql := range []string{"SELECT CAST(config AS TEXT) FROM channels", "SELECT value FROM secrets"} {
			var some []string
			if err := db.Read(t.Context()).Raw(sql).Scan(&some).Error; err != nil {
				t.Fatal(err)
			}
			rows = append(rows, some...)
		}
		if len(rows) != 5 {
			t.Errorf("%d rows, want 1 channel and 4 secrets", len(rows))
		}
		if all := fmt.Sprintf("%+v %+v %v", c, list, rows); strings.Contains(all, "canary") {
			t.Errorf("a secret shows in %s", all)
		}
	})
}

// TestSecretsOnUpdate: masks and missing keys keep, null and "" remove, a new host asks again.
func TestSecretsOnUpdate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for name, tt := range map[string]struct {
			config   string
			want     string            // shown afterwards
			secrets  map[string]string // stored afterwards; nil: refused
			problems []string
		}{
			"nothing given":    {``, masks, map[string]string{"headers.Authorization": "Bearer one", "secret": "s1"}, nil},
			"masks sent back":  {masks, masks, map[string]string{"headers.Authorization": "Bearer one", "secret": "s1"}, nil},
			"keys left out":    {`{"endpoint":"https://a.example/x","headers":{"X-Team":"ops"}}`, masks, map[string]string{"headers.Authorization": "Bearer one", "secret": "s1"}, nil},
			"headers left out": {`{"endpoint":"https://a.example/x"}`, strings.Replace(masks, `,"X-Team":"ops"`, "", 1), map[string]string{"headers.Authorization": "Bearer one", "secret": "s1"}, nil},
			"another value": {
				`{"endpoint":"https://a.example/x","headers":{"Authorization":"Bearer two","X-Team":"ops"}}`, masks,
				map[string]string{"headers.Authorization": "Bearer two", "secret": "s1"},
				nil,
			},
			"another spelling": {
				`{"endpoint":"https://a.example/x","headers":{"authorization":{"configured":true}},"secret":null}`,
				`{"endpoint":"https://a.example/x","headers":{"authorization":{"configured":true}}}`,
				map[string]string{"headers.authorization": "Bearer one"},
				nil,
			},
			"removed": {
				`{"endpoint":"https://a.example/x","headers":{"Authorization":""},"secret":null}`, `{"endpoint":"https://a.example/x"}`,
				map[string]string{},
				nil,
			},
			"all headers removed": {
				`{"endpoint":"https://a.example/x","headers":null}`, `{"endpoint":"https://a.example/x","secret":{"configured":true}}`,
				map[string]string{"secret": "s1"},
				nil,
			},
			"another path of the host": {
				`{"endpoint":"https://A.example:443/other"}`,
				`{"endpoint":"https://A.example:443/other","headers":{"Authorization":{"configured":true}},"secret":{"configured":true}}`,
				map[string]string{"headers.Authorization": "Bearer one", "secret": "s1"},
				nil,
			},
			"another host":          {`{"endpoint":"https://evil.example/x"}`, "", nil, []string{"config.headers.Authorization", "config.secret"}},
			"another port":          {`{"endpoint":"https://a.example:8443/x"}`, "", nil, []string{"config.headers.Authorization", "config.secret"}},
			"no encryption":         {`{"endpoint":"http://a.example/x"}`, "", nil, []string{"config.headers.Authorization", "config.secret"}},
			"the other key":         {`{"webhook_url":"https://evil.example/x"}`, "", nil, []string{"config.headers.Authorization", "config.secret"}},
			"another host, one new": {`{"endpoint":"https://evil.example/x","secret":"new"}`, "", nil, []string{"config.headers.Authorization"}},
			"another host, entered again": {
				`{"endpoint":"https://b.example/x","secret":"new","headers":{"Authorization":"Bearer new"}}`,
				`{"endpoint":"https://b.example/x","headers":{"Authorization":{"configured":true}},"secret":{"configured":true}}`,
				map[string]string{"headers.Authorization": "Bearer new", "secret": "new"},
				nil,
			},
			"another host, removed": {
				`{"endpoint":"https://b.example/x","secret":null,"headers":null}`, `{"endpoint":"https://b.example/x"}`,
				map[string]string{},
				nil,
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := channels(t, db)
				c := create(t, s, generic(name, `{"endpoint":"https://a.example/x","headers":{"Authorization":"Bearer one","X-Team":"ops"},"secret":"s1"}`))
				in := notify.InputOf(c)
				in.Config = nil
				if tt.config != "" {
					in.Config = json.RawMessage(tt.config)
				}
				got, err := s.Update(t.Context(), tenant, c.ID.String(), c.Version, in)
				if diff := cmp.Diff(tt.problems, fieldsOf(err)); diff != "" {
					t.Fatalf("problems (-want +got):\n%s%v", diff, err)
				}
				if tt.secrets == nil {
					if again, err := s.Get(t.Context(), tenant, c.ID.String()); err != nil || again.Version != c.Version {
						t.Errorf("refused, and changed: %+v %v", again, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				sameJSON(t, tt.want, got.Config.V)
				if diff := cmp.Diff(tt.secrets, secretsOf(t, db, c.ID)); diff != "" {
					t.Errorf("secrets (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func secretsOf(t *testing.T, db *storage.DB, channel id.ID) map[string]string {
	t.Helper()
	all, err := secrets(t, db).All(t.Context(), tenant, "channels", channel)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for field, v := range all {
		out[field] = v.Reveal()
	}
	return out
}
