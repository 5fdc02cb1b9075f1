package orchestration_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const (
	tenant  = "default"
	telling = `{"version":"1.0","description":"Tells everybody.","nodes":[{"id":"alerts_in","type":"ingest"},{"id":"out","type":"notify","config":{"channels":["*"]}}]}`
)

func definitions(t *testing.T, db *storage.DB) *orchestration.DefinitionService {
	t.Helper()
	s, err := orchestration.NewDefinitionService(orchestration.DefinitionConfig{
		DB: db, Log: testkit.Logger(t),
		Specs: func(context.Context, string) ([]graph.NodeSpec, error) {
			return graph.Builtin(graph.Known{Channels: []string{"inbox"}}), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withDefinitions runs a test on an empty database of each engine.
func withDefinitions(t *testing.T, fn func(t *testing.T, db *storage.DB, s *orchestration.DefinitionService)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) { fn(t, db, definitions(t, db)) })
}

func TestDefinitionLife(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, db *storage.DB, s *orchestration.DefinitionService) {
		ctx := t.Context()
		var was int64
		changed := func(what string, by int64) {
			t.Helper()
			now, err := db.Generation(ctx)
			if err != nil || (was != 0 && now != was+by) {
				t.Errorf("%s: generation %d, was %d, %v", what, now, was, err)
			}
			was = now
		}
		changed("start", 0)
		in := orchestration.DefinitionInput{Name: "tell", Config: []byte(telling), Tags: []string{"a"}, IsActive: true, By: "ada"}
		d, err := s.Create(ctx, tenant, in)
		if err != nil {
			t.Fatal(err)
		}
		changed("create", 1)
		if d.Version != 1 || d.Description != "Tells everybody." {
			t.Errorf("created %+v", d)
		}
		for _, ref := range []string{"tell", d.ID.String()} {
			got, err := s.Get(ctx, tenant, ref)
			if err != nil || !orchestration.SameConfig(got.Config.V, []byte(telling)) {
				t.Errorf("Get(%q): %v", ref, err)
			}
			got.Config = d.Config // Postgres orders keys its own way
			if diff := cmp.Diff(d, got); diff != "" {
				t.Errorf("Get(%q): %s", ref, diff)
			}
			if _, err := s.Get(ctx, "acme", ref); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("another tenant's Get(%q): %v", ref, err)
			}
		}
		if _, err := s.Create(ctx, tenant, in); !errors.Is(err, orchestration.ErrDefinitionExists) {
			t.Errorf("second of that name: %v", err)
		}

		in.Config = []byte(strings.ReplaceAll(telling, ",", " ,\n"))
		same, err := s.Update(ctx, tenant, "tell", 1, in)
		if err != nil || same.Version != 1 {
			t.Errorf("the same again: version %d, %v", same.Version, err)
		}
		changed("the same again", 0)
		in.Description, in.Tags = "other words", nil
		fields, err := s.Changes(ctx, tenant, "tell", in)
		if diff := cmp.Diff([]string{"description", "tags"}, fields); err != nil || diff != "" {
			t.Errorf("Changes: %v\n%s", err, diff)
		}
		words, err := s.Update(ctx, tenant, "tell", 1, in)
		if err != nil || words.Version != 1 || words.Description != "other words" || len(words.Tags.V) != 0 {
			t.Errorf("other words: %+v, %v", words, err)
		}
		changed("other words", 1)
		in.Config, in.By = []byte(strings.Replace(telling, "out", "tell", 1)), "bob"
		second, err := s.Update(ctx, tenant, "tell", 1, in)
		if err != nil || second.Version != 2 || second.CreatedBy != "ada" {
			t.Errorf("another config: version %d by %s, %v", second.Version, second.CreatedBy, err)
		}
		changed("another config", 1)
		if _, err := s.Update(ctx, tenant, "tell", 1, in); !errors.Is(err, orchestration.ErrDefinitionConflict) {
			t.Errorf("update of an old version: %v", err)
		}
		versions, err := s.Versions(ctx, tenant, d.ID)
		if err != nil || len(versions) != 2 || versions[0].Version != 2 || versions[0].CreatedBy != "bob" || versions[1].CreatedBy != "ada" {
			t.Errorf("Versions = %+v, %v", versions, err)
		}

		off, err := s.SetActive(ctx, tenant, "tell", false, "bob")
		if err != nil || off.IsActive || off.Version != 2 {
			t.Errorf("SetActive: %+v, %v", off, err)
		}
		changed("deactivate", 1)
		copied, err := s.Clone(ctx, tenant, "tell", "tell too", "eve")
		if err != nil || copied.IsActive || copied.Version != 1 || !orchestration.SameConfig(copied.Config.V, second.Config.V) {
			t.Errorf("Clone: %+v, %v", copied, err)
		}
		changed("clone", 1)
		if err := s.SoftDelete(ctx, tenant, "tell"); err != nil {
			t.Fatal(err)
		}
		changed("delete", 1)
		if _, err := s.Get(ctx, tenant, "tell"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("after delete: %v", err)
		}
		if v, err := s.Version(ctx, tenant, d.ID, 1); err != nil || !orchestration.SameConfig(v.Config.V, []byte(telling)) {
			t.Errorf("a version of a deleted one: %s, %v", v.Config.V, err)
		}
		if _, err := s.Version(ctx, "acme", d.ID, 1); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's version: %v", err)
		}
		if _, err := s.Create(ctx, tenant, in); err != nil {
			t.Errorf("the name of a deleted one: %v", err)
		}
	})
}

func TestDefinitionInvalid(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		for name, tt := range map[string]struct {
			in   orchestration.DefinitionInput
			want []string // pointers
		}{
			"everything at once": {
				orchestration.DefinitionInput{
					Name: "-", Description: "bell\a", Tags: []string{"ok", " "},
					Config: []byte(`{"version":"1.0","nodes":[{"id":"a","type":"ingest","next":"b"},{"id":"c","type":"nothing"}]}`),
				},
				[]string{"/name", "/description", "/tags/1", "/config/nodes/0/next", "/config/nodes/1/type"},
			},
			"an id as name": {
				orchestration.DefinitionInput{Name: id.New().String(), Config: []byte(telling)},
				[]string{"/name"},
			},
			"no config":    {orchestration.DefinitionInput{Name: "a"}, []string{"/config"}},
			"broken JSON":  {orchestration.DefinitionInput{Name: "a", Config: []byte(`{"version"`)}, []string{"/config"}},
			"NUL in texts": {orchestration.DefinitionInput{Name: "a", Config: []byte(strings.Replace(telling, "Tells", `\u0000`, 1))}, []string{"/config"}},
		} {
			_, err := s.Create(t.Context(), tenant, tt.in)
			var invalid *orchestration.InvalidDefinition
			if !errors.As(err, &invalid) {
				t.Errorf("%s: %v, want *InvalidDefinition", name, err)
				continue
			}
			got := map[string]bool{}
			for _, p := range invalid.Problems {
				if p.Severity == graph.SeverityError {
					got[p.Pointer] = true
				}
			}
			for _, want := range tt.want {
				if !got[want] {
					t.Errorf("%s: no problem at %s in\n%v", name, want, err)
				}
			}
		}
		problems, err := s.Validate(t.Context(), tenant, []byte(strings.Replace(telling, "*", "inbx", 1)))
		if err != nil || len(problems) != 1 || problems[0].Severity != graph.SeverityWarning || !strings.Contains(problems[0].Suggestion, "inbox") {
			t.Errorf("Validate = %v, %v", problems, err)
		}
	})
}

// Texts that only one of the engines could keep.
func TestDefinitionHostileText(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		for name, text := range map[string]string{
			"lone surrogate": `\ud800`, "broken UTF-8": "\xff", "markup": `<script>&amp;`, "SQL": `'); DROP TABLE definitions;--`,
		} {
			config := []byte(strings.Replace(telling, "Tells everybody.", text, 1))
			d, err := s.Create(t.Context(), tenant, orchestration.DefinitionInput{Name: name, Config: config, Description: "d"})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got, err := s.Get(t.Context(), tenant, name)
			if err != nil || !orchestration.SameConfig(got.Config.V, d.Config.V) || !json.Valid(got.Config.V) {
				t.Errorf("%s: stored %s, %v", name, got.Config.V, err)
			}
		}
	})
}

func TestDefinitionRace(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		d, err := s.Create(t.Context(), tenant, orchestration.DefinitionInput{Name: "tell", Config: []byte(telling)})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			wg.Go(func() {
				in := orchestration.InputOfDefinition(d)
				in.Config = []byte(strings.Replace(telling, "out", strings.Repeat("o", i+1), 1))
				_, err := s.Update(t.Context(), tenant, "tell", 1, in)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, orchestration.ErrDefinitionConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		versions, err := s.Versions(t.Context(), tenant, d.ID)
		if won != 1 || err != nil || len(versions) != 2 {
			t.Errorf("%d updates of version 1 went through, %d versions, %v", won, len(versions), err)
		}
	})
}

func TestPresets(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := s.InstallPresets(ctx, tenant, orchestration.ActivePreset); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		state := func() map[string]bool {
			t.Helper()
			list, err := s.List(ctx, tenant, true)
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]bool{}
			for _, d := range list {
				out[d.Name] = d.IsActive
			}
			return out
		}
		want := map[string]bool{
			"direct": false, "health-checked": false, "ai-analyzed": false, "full": true, "local-monitor": false, "local-smart": false,
		}
		if diff := cmp.Diff(want, state()); diff != "" {
			t.Errorf("presets and whether they are active: %s", diff)
		}

		// What an operator did to them stays, and no start adds a second route.
		if err := s.SoftDelete(ctx, tenant, "direct"); err != nil {
			t.Fatal(err)
		}
		full, err := s.Get(ctx, tenant, "full")
		if err != nil {
			t.Fatal(err)
		}
		in := orchestration.InputOfDefinition(full)
		in.Name = "main"
		if _, err := s.Update(ctx, tenant, "full", 0, in); err != nil {
			t.Fatal(err)
		}
		if err := s.InstallPresets(ctx, tenant, orchestration.ActivePreset); err != nil {
			t.Fatal(err)
		}
		got := state()
		if _, back := got["direct"]; back || !got["main"] || got["full"] {
			t.Errorf("after another start: %v", got)
		}
		if active, err := s.List(ctx, tenant, false); err != nil || len(active) != 1 || active[0].Name != "main" {
			t.Errorf("active: %v, %v", active, err)
		}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if _, err := s.SetActive(ctx, tenant, name, true, "ada"); err != nil {
				t.Errorf("%s cannot be made active: %v", name, err)
			}
		}
	})
}
