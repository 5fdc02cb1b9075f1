package analysts_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db)
		d := analysts.NewDirectory(s.All)
		if _, ok := d.Active(tenant); ok {
			t.Error("somebody is active in an empty directory")
		}
		for _, name := range []string{"main", "a spare", "near", "lost", "broken"} {
			in := remote(name, `{"api_key":"key of `+name+`"}`)
			if name == "near" {
				in.Provider = "nearby"
			}
			in.IsActive = name == "main"
			create(t, s, in)
		}
		if _, ok := d.Find(tenant, "main"); ok {
			t.Error("a directory that was not loaded finds somebody")
		}
		for _, sql := range []string{
			`DELETE FROM secrets WHERE owner_id = (SELECT id FROM providers WHERE name = 'lost')`,
			`UPDATE secrets SET value = value || 'x' WHERE owner_id = (SELECT id FROM providers WHERE name = 'broken')`,
		} {
			if err := db.From(t.Context()).Exec(sql).Error; err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		main, ok := d.Active(tenant)
		if !ok || main.Name != "main" || main.Err != nil || string(main.Config) != `{"api_key":"key of main"}` || main.Version != 1 {
			t.Errorf("active: %v %s %v", main, main.Config, main.Err)
		}
		for _, tt := range []struct{ tenant, name, want string }{
			{tenant, "main", "main"},
			{tenant, "near", "near"},
			{tenant, "nearby", "near"},
			{tenant, "remote", "main"}, // the active one of its kind
			{tenant, "psychic", ""},
			{"other", "main", ""},
			{"other", "remote", ""},
		} {
			if got, ok := d.Find(tt.tenant, tt.name); got.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("Find(%s, %s): %v", tt.tenant, tt.name, got)
			}
		}
		for _, name := range []string{"lost", "broken"} {
			got, ok := d.Find(tenant, name)
			opened, err := s.Open(t.Context(), tenant, name)
			if !ok || err != nil || got.Err == nil || got.Config != nil || opened.Err == nil || !strings.Contains(got.Err.Error(), name) {
				t.Errorf("%s: %v %v, opened %v %v", name, got.Err, got.Config, opened.Err, err)
			}
		}
		if opened, err := s.Open(t.Context(), tenant, "near"); err != nil || opened.Err != nil || string(opened.Config) != `{"api_key":"key of near"}` {
			t.Errorf("opened %s: %v %v", opened.Config, opened.Err, err)
		}
		if _, err := s.Deactivate(t.Context(), tenant, "main", 0); err != nil {
			t.Fatal(err)
		}
		if got, ok := d.Active(tenant); !ok || got.Name != "main" {
			t.Error("the directory changes before it is loaded")
		}
		if err := d.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, ok := d.Active(tenant); ok {
			t.Errorf("active although switched off: %v", got)
		}
		if got, _ := d.Find(tenant, "remote"); got.Name != "a spare" {
			t.Errorf("the first of its kind by name: %v", got)
		}
	})
}

// TestDirectoryKeeps: when the database does not answer, who was there stays.
func TestDirectoryKeeps(t *testing.T) {
	t.Parallel()
	fail := error(nil)
	d := analysts.NewDirectory(func(context.Context) ([]analysts.Live, error) {
		return []analysts.Live{{Tenant: tenant, Name: "main", IsActive: true}}, fail
	})
	if err := d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	fail = errors.New("no database")
	if err := d.Reload(t.Context()); !errors.Is(err, fail) {
		t.Error(err)
	}
	if got, ok := d.Active(tenant); !ok || got.Name != "main" {
		t.Errorf("active: %v", got)
	}
}
