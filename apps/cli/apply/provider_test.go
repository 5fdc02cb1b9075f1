package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const models = `
providers:
  - name: main
    provider: oracle
    description: for $${incidents}
    config:
      base_url: https://oracle.example/v1
      api_key: ${ORACLE_KEY}
      headers: {X-Auth: "${ORACLE_KEY}-2", X-Team: "$${ops}"}
      calls: 60
    is_active: true
  - name: spare
    provider: oracle
`

var key = []string{"ORACLE_KEY", "canary-key"}

// changes are the steps of a plan that change something.
func changes(p apply.Plan) []string {
	var out []string
	for _, s := range steps(p) {
		if !strings.HasPrefix(s, "unchanged ") {
			out = append(out, s)
		}
	}
	return out
}

func (h hub) activeProvider(t *testing.T) string {
	t.Helper()
	list, err := h.Providers.List(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range list {
		if r.IsActive {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestApplyProviders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		h.apply(t, models, apply.Options{DryRun: true}, key...)
		if list, err := h.Providers.List(t.Context(), tenant); err != nil || len(list) != 0 {
			t.Errorf("a dry run left %v, %v", list, err)
		}
		if diff := cmp.Diff([]string{"create provider main", "create provider spare"}, steps(h.apply(t, models, apply.Options{}, key...))); diff != "" {
			t.Errorf("first time: %s", diff)
		}
		if got := h.apply(t, models, apply.Options{Prune: true}, key...); got.Changes() != 0 || h.activeProvider(t) != "main" {
			t.Errorf("second time %v, active is %q", steps(got), h.activeProvider(t))
		}
		swapped := strings.Replace(strings.Replace(models, "    is_active: true\n", "", 1), "  - name: spare", "  - name: spare\n    is_active: true", 1)
		for name, tt := range map[string]struct {
			file string
			vars []string
			want []string
			is   string // active afterwards
		}{
			"secret":      {models, []string{"ORACLE_KEY", "another"}, []string{"update provider main: config"}, "main"},
			"setting":     {strings.Replace(models, "calls: 60", "calls: 61", 1), key, []string{"update provider main: config"}, "main"},
			"description": {strings.Replace(models, "$${incidents}", "others", 1), key, []string{"update provider main: description"}, "main"},
			"nobody":      {strings.Replace(models, "is_active: true", "is_active: false", 1), key, []string{"update provider main: is_active"}, ""},
			"the other":   {swapped, key, []string{"update provider main: is_active", "update provider spare: is_active"}, "spare"},
			"one of which the file knows nothing": {
				"providers: [{name: new, provider: oracle, is_active: true}]", nil, []string{"create provider new", "update provider main: is_active"}, "new",
			},
		} {
			for i, want := range [][]string{tt.want, nil} {
				dry := changes(h.apply(t, tt.file, apply.Options{DryRun: true}, tt.vars...))
				got := changes(h.apply(t, tt.file, apply.Options{}, tt.vars...))
				if diff := cmp.Diff(want, got) + cmp.Diff(dry, got); diff != "" || h.activeProvider(t) != tt.is {
					t.Errorf("%s, time %d, active is %q: %s", name, i+1, h.activeProvider(t), diff)
				}
			}
			h.apply(t, models, apply.Options{Prune: true}, key...)
		}
	})
}

func TestProviderProblems(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		h.apply(t, models, apply.Options{}, key...)
		doc := read(t, `
providers:
  - name: main
    provider: oracle
    config:
      base_url: https://elsewhere.example
  - name: other
    provider: psychic
    config: {api_key: canary}
  - name: third
    provider: oracle
    config:
      api_key: canary
      calls: many
`, env())
		_, err := h.Apply(t.Context(), doc, apply.Options{Tenant: tenant, By: "test"})
		problems, ok := errors.AsType[*apply.Problems](err)
		if !ok {
			t.Fatal(err)
		}
		var got []string
		for _, p := range problems.List {
			got = append(got, p.String())
		}
		want := []string{
			`line 5: provider "main": config.api_key: enter it again: the address has another host now, and the stored one was for https://oracle.example:443`,
			`line 5: provider "main": config.headers.X-Auth: enter it again: the address has another host now, and the stored one was for https://oracle.example:443`,
			`line 8: provider "other": provider: unknown provider "psychic"; available are oracle`,
			`line 14: provider "third": config.calls: must be a number`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	})
}

func TestExportProviders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		h.apply(t, models, apply.Options{}, key...)
		file, names, err := h.Export(t.Context(), tenant)
		if err != nil || strings.Contains(string(file), "canary") {
			t.Fatalf("%v\n%s", err, file)
		}
		if diff := cmp.Diff([]string{"PROVIDER_MAIN_API_KEY", "PROVIDER_MAIN_HEADERS_X_AUTH"}, names); diff != "" {
			t.Errorf("variables: %s", diff)
		}
		set := []string{"PROVIDER_MAIN_API_KEY", "canary-key", "PROVIDER_MAIN_HEADERS_X_AUTH", "canary-key-2"}
		if got := h.apply(t, string(file), apply.Options{Prune: true}, set...); got.Changes() != 0 {
			t.Errorf("what was exported is no longer what there is: %v", steps(got))
		}
		for name, want := range map[string][]string{
			"providers: []": {"delete provider main", "delete provider spare"},
			"channels: []":  nil,
			"providers: [{name: spare, provider: oracle}]": {"delete provider main"},
		} {
			if diff := cmp.Diff(want, changes(h.apply(t, name, apply.Options{Prune: true, DryRun: true}))); diff != "" {
				t.Errorf("prune by %s: %s", name, diff)
			}
		}
	})
}
