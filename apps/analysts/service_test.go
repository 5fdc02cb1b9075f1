package analysts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestNewWants(t *testing.T) {
	t.Parallel()
	if _, err := analysts.New(analysts.Config{}); err == nil {
		t.Error("a service of nothing")
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		before := generation(t, db)
		in := remote("main", `{"api_key":"k1","model":"newest"}`)
		in.Description = "for incidents"
		r := create(t, s, in)
		if r.Version != 1 || r.ID.IsZero() || r.IsActive || r.Model != "newest" || len(r.Warnings) != 0 || generation(t, db) != before+1 {
			t.Errorf("created %+v at generation %d", r, generation(t, db))
		}
		for _, ref := range []string{"main", r.ID.String()} {
			got, err := s.Get(t.Context(), tenant, ref)
			if err != nil || got.ID != r.ID || got.Description != "for incidents" || got.Provider != "remote" || got.Model != "newest" {
				t.Errorf("Get(%s): %+v %v", ref, got, err)
			}
			sameJSON(t, `{"api_key":{"configured":true},"model":"newest"}`, got.Config.V)
		}
		change := analysts.InputOf(r)
		change.Name, change.Provider, change.Config = "second", "", nil
		r2, err := s.Update(t.Context(), tenant, "main", 1, change)
		if err != nil || r2.Version != 2 || r2.Name != "second" || r2.Provider != "remote" || !r2.CreatedAt.Equal(r.CreatedAt) {
			t.Fatalf("updated %+v, %v", r2, err)
		}
		for name, do := range map[string]func() error{
			"Update":     func() error { _, err := s.Update(t.Context(), tenant, "second", 1, change); return err },
			"Activate":   func() error { _, err := s.Activate(t.Context(), tenant, "second", 1); return err },
			"Deactivate": func() error { _, err := s.Deactivate(t.Context(), tenant, "second", 1); return err },
		} {
			if err := do(); !errors.Is(err, analysts.ErrConflict) {
				t.Errorf("%s of an old version: %v", name, err)
			}
		}
		create(t, s, remote("another", `{"api_key":"k2"}`))
		if _, err := s.Create(t.Context(), tenant, remote("second", `{}`)); !errors.Is(err, analysts.ErrExists) {
			t.Errorf("a name that is taken: %v", err)
		}
		change.Name = "another"
		if _, err := s.Update(t.Context(), tenant, r.ID.String(), 0, change); !errors.Is(err, analysts.ErrExists) {
			t.Errorf("renamed to a name that is taken: %v", err)
		}
		list, err := s.List(t.Context(), tenant)
		if err != nil || len(list) != 2 || list[0].Name != "another" || list[1].Name != "second" || list[1].Model != "newest" {
			t.Errorf("list %+v %v", list, err)
		}
		at := generation(t, db)
		if err := s.Delete(t.Context(), tenant, "second"); err != nil || generation(t, db) != at+1 {
			t.Errorf("delete: %v", err)
		}
		for name, do := range map[string]func() error{
			"Get":        func() error { _, err := s.Get(t.Context(), tenant, r.ID.String()); return err },
			"Open":       func() error { _, err := s.Open(t.Context(), tenant, r.ID.String()); return err },
			"Update":     func() error { _, err := s.Update(t.Context(), tenant, "second", 0, change); return err },
			"Activate":   func() error { _, err := s.Activate(t.Context(), tenant, "second", 0); return err },
			"Deactivate": func() error { _, err := s.Deactivate(t.Context(), tenant, "second", 0); return err },
			"Delete":     func() error { return s.Delete(t.Context(), tenant, "second") },
		} {
			if err := do(); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s of what is gone: %v", name, err)
			}
		}
		var left int64
		if err := db.Read(t.Context()).Raw("SELECT count(*) FROM secrets WHERE owner_id = ?", r.ID).Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("%d secrets are left, %v", left, err)
		}
	})
}

func TestTenants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		in := remote("main", `{"api_key":"canary-1"}`)
		in.IsActive = true
		r := create(t, s, in)
		for name, do := range map[string]func() error{
			"Get":  func() error { _, err := s.Get(t.Context(), "other", r.ID.String()); return err },
			"Open": func() error { _, err := s.Open(t.Context(), "other", r.ID.String()); return err },
			"Update": func() error {
				_, err := s.Update(t.Context(), "other", r.ID.String(), 0, analysts.InputOf(r))
				return err
			},
			"Activate":   func() error { _, err := s.Activate(t.Context(), "other", r.ID.String(), 0); return err },
			"Deactivate": func() error { _, err := s.Deactivate(t.Context(), "other", r.ID.String(), 0); return err },
			"Delete":     func() error { return s.Delete(t.Context(), "other", r.ID.String()) },
		} {
			if err := do(); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if list, err := s.List(t.Context(), "other"); err != nil || list == nil || len(list) != 0 {
			t.Errorf("List: %v %v", list, err)
		}
		if _, err := s.Create(t.Context(), "other", in); err != nil {
			t.Errorf("the same name in another tenant: %v", err)
		}
		if diff := cmp.Diff([]string{"default/main", "other/main"}, active(t, db)); diff != "" {
			t.Errorf("each tenant has an active one of its own (-want +got):\n%s", diff)
		}
	})
}

func TestProblems(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db, "127.0.0.1:9000")
		for name, tt := range map[string]struct {
			in   analysts.RecordInput
			want []string
		}{
			"no name":           {remote(" ", `{}`), []string{"name"}},
			"long name":         {remote(strings.Repeat("é", 101), `{}`), []string{"name"}},
			"active":            {remote("active", `{}`), []string{"name"}},
			"an id":             {remote(id.New().String(), `{}`), []string{"name"}},
			"another kind":      {remote("nearby", `{}`), []string{"name"}},
			"local":             {remote("local", `{}`), []string{"name"}},
			"two lines":         {remote("a\nb", `{}`), []string{"name"}},
			"reordered":         {remote("a\u202eb", `{}`), []string{"name"}},
			"unknown kind":      {analysts.RecordInput{Name: "a", Provider: "psychic"}, []string{"provider"}},
			"no kind":           {analysts.RecordInput{Name: "a"}, []string{"provider"}},
			"nothing to set":    {analysts.RecordInput{Name: "a", Provider: "local"}, []string{"provider"}},
			"description":       {analysts.RecordInput{Name: "a", Provider: "remote", Description: "\x1b"}, []string{"description"}},
			"no object":         {remote("a", `[]`), []string{"config"}},
			"unknown key":       {remote("a", `{"nope":1}`), []string{"config.nope"}},
			"secret's case":     {remote("a", `{"API_KEY":"canary"}`), []string{"config.API_KEY"}},
			"secret's type":     {remote("a", `{"api_key":["canary"]}`), []string{"config.api_key"}},
			"several":           {remote("", `{"timeout_s":0,"base_url":"x"}`), []string{"name", "config.timeout_s"}},
			"mask of nothing":   {remote("a", `{"api_key":{"configured":true}}`), []string{"config.api_key"}},
			"loopback":          {remote("a", `{"base_url":"http://127.0.0.1:9001/v1"}`), []string{"config.base_url"}},
			"no scheme":         {remote("a", `{"host":"127.0.0.1:9001"}`), []string{"config.host"}},
			"metadata":          {remote("a", `{"base_url":"http://169.254.169.254/latest"}`), []string{"config.base_url"}},
			"key in address":    {remote("a", `{"base_url":"https://a.example/?key=canary"}`), []string{"config.base_url"}},
			"user in address":   {remote("a", `{"base_url":"https://u:canary@a.example/"}`), []string{"config.base_url"}},
			"two lines of key":  {remote("a", `{"api_key":"canary\nX: b"}`), []string{"config.api_key"}},
			"a text of its own": {remote("a", `{"api_key":"canary","model":"leaks"}`), []string{"config"}},
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
		_, err := s.Create(t.Context(), tenant, analysts.RecordInput{Name: "a", Provider: "psychic"})
		if err == nil || !strings.Contains(err.Error(), `unknown provider "psychic"; available are nearby, remote`) {
			t.Errorf("an unknown kind: %v", err)
		}
		_, err = s.Create(t.Context(), tenant, remote("a", `{"base_url":"http://127.0.0.1:9001/v1"}`))
		if err == nil || !strings.Contains(err.Error(), "HUB_EGRESS_ALLOW=127.0.0.1:9001") {
			t.Errorf("the complaint must name the line to add: %v", err)
		}
		create(t, s, remote("allowed", `{"base_url":"http://127.0.0.1:9000/v1"}`))
		create(t, s, remote("remote", `{}`)) // the name of its own kind
		r := create(t, s, remote("b", `{}`))
		in := analysts.InputOf(r)
		in.Provider = "nearby"
		if _, err := s.Update(t.Context(), tenant, "b", 0, in); !slices.Contains(fieldsOf(err), "provider") {
			t.Errorf("another kind: %v", err)
		}
	})
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		for name, tt := range map[string]struct {
			kind, config string
			model, want  string // want: words of the only warning; "": none
		}{
			"fine":           {"remote", `{"api_key":"k"}`, "newest", ""},
			"ended":          {"remote", `{"api_key":"k","model":"ancient"}`, "ancient", "ended on 2026-01-01"},
			"no key":         {"remote", `{}`, "newest", "REMOTE_API_KEY"},
			"usual address":  {"nearby", `{}`, "newest", "HUB_EGRESS_ALLOW=localhost:11434"},
			"public address": {"nearby", `{"base_url":"https://a.example"}`, "newest", ""},
			"name of a host": {"nearby", `{"host":"a.example:11434"}`, "newest", ""},
		} {
			r := create(t, s, analysts.RecordInput{Name: name, Provider: tt.kind, Config: json.RawMessage(tt.config)})
			got, err := s.Get(t.Context(), tenant, name)
			valid, err2 := s.Validate(tt.kind, json.RawMessage(tt.config))
			if err != nil || err2 != nil || got.Model != tt.model || r.Model != tt.model {
				t.Errorf("%s: %+v %v %v", name, got, err, err2)
			}
			for _, list := range [][]string{r.Warnings, got.Warnings, valid} {
				if all := strings.Join(list, "\n"); (len(list) == 0) != (tt.want == "") || len(list) > 1 || !strings.Contains(all, tt.want) {
					t.Errorf("%s: warnings %q, want %q", name, list, tt.want)
				}
			}
		}
		if _, err := s.Validate("remote", json.RawMessage(`{"nope":1}`)); fieldsOf(err) == nil {
			t.Errorf("Validate: %v", err)
		}
		for name, sql := range map[string]string{
			"fine":   `UPDATE providers SET provider = 'gone' WHERE name = 'fine'`,
			"ended":  `UPDATE providers SET config = '[]' WHERE name = 'ended'`,
			"no key": `UPDATE providers SET config = '{"old":1}' WHERE name = 'no key'`,
		} {
			if err := db.From(t.Context()).Exec(sql).Error; err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), tenant, name)
			if err != nil || got.Model != "" || len(got.Warnings) != 1 {
				t.Errorf("%s: %+v %v", name, got, err)
			}
			if got, err := s.Deactivate(t.Context(), tenant, name, 0); err != nil || got.IsActive {
				t.Errorf("%s cannot be switched off: %v", name, err)
			}
		}
	})
}

// TestOneIsActive: whoever is activated takes the place of the one that was, however it is done.
func TestOneIsActive(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		on := func(name string) analysts.RecordInput {
			in := remote(name, `{"api_key":"k"}`)
			in.IsActive = true
			return in
		}
		want := func(how string, names ...string) {
			t.Helper()
			var list []string
			for _, n := range names {
				list = append(list, tenant+"/"+n)
			}
			if diff := cmp.Diff(list, active(t, db)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", how, diff)
			}
		}
		a := create(t, s, on("a"))
		create(t, s, on("b"))
		want("made active", "b")
		was, err := s.Get(t.Context(), tenant, "a")
		if err != nil || was.Version != a.Version+1 {
			t.Errorf("a is another one now: %+v %v", was, err)
		}
		if _, err := s.Update(t.Context(), tenant, "a", a.Version, on("a")); !errors.Is(err, analysts.ErrConflict) {
			t.Errorf("brought back by who saw it active: %v", err)
		}
		want("a conflict", "b")
		if _, err := s.Update(t.Context(), tenant, "a", 0, on("a")); err != nil {
			t.Fatal(err)
		}
		want("updated", "a")
		if r, err := s.Activate(t.Context(), tenant, "b", 0); err != nil || !r.IsActive {
			t.Fatal(err)
		}
		want("activated", "b")
		if r, err := s.Activate(t.Context(), tenant, "b", 0); err != nil || !r.IsActive {
			t.Fatal(err)
		}
		want("activated again", "b")
		if _, err := s.Create(t.Context(), tenant, on("a")); !errors.Is(err, analysts.ErrExists) {
			t.Fatal(err)
		}
		want("not made, so nobody makes way", "b")
		if _, err := s.Deactivate(t.Context(), tenant, "b", 0); err != nil {
			t.Fatal(err)
		}
		want("deactivated")
		if _, err := s.Activate(t.Context(), tenant, "a", 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), tenant, "a"); err != nil {
			t.Fatal(err)
		}
		want("deleted")
	})
}

// TestActivateAtOnce: of many that are activated at the same time one is active in the end, and nobody fails.
func TestActivateAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		const n = 8
		for i := range n {
			in := remote(fmt.Sprint("p", i), `{"api_key":"k"}`)
			in.IsActive = i == 0
			create(t, s, in)
		}
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				for range 3 {
					_, err := s.Activate(t.Context(), tenant, fmt.Sprint("p", i), 0)
					if err != nil && !errors.Is(err, analysts.ErrConflict) { // another one made it step back between its two reads
						t.Errorf("activate p%d: %v", i, err)
					}
				}
			})
			wg.Go(func() {
				in := remote(fmt.Sprint("new", i), `{"api_key":"k"}`)
				in.IsActive = true
				if _, err := s.Create(t.Context(), tenant, in); err != nil {
					t.Errorf("create new%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if got := active(t, db); len(got) != 1 {
			t.Errorf("active are %v", got)
		}
		list, err := s.List(t.Context(), tenant)
		if err != nil || len(list) != 2*n {
			t.Errorf("%d records, %v", len(list), err)
		}
	})
}
