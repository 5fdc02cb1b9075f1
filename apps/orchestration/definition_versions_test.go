package orchestration_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// inVersions stores a definition whose versions 1 to n name their node out1 to outn.
func inVersions(t *testing.T, s *orchestration.DefinitionService, name string, n int) orchestration.Definition {
	t.Helper()
	config := func(i int) []byte { return []byte(strings.Replace(telling, `"out"`, fmt.Sprintf(`"out%d"`, i), 1)) }
	d, err := s.Create(t.Context(), tenant, orchestration.DefinitionInput{Name: name, Config: config(1), Tags: []string{"a"}, By: "ada"})
	for i := 2; i <= n && err == nil; i++ {
		in := orchestration.InputOfDefinition(d)
		in.Config, in.By = config(i), fmt.Sprintf("author%d", i)
		d, err = s.Update(t.Context(), tenant, name, 0, in)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDefinitionVersions(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, db *storage.DB, s *orchestration.DefinitionService) {
		ctx := t.Context()
		d := inVersions(t, s, "tell", 5)
		var seen []int64
		before := int64(0)
		for range 5 {
			list, next, err := s.VersionPage(ctx, tenant, d.ID, before, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range list {
				seen = append(seen, v.Version)
			}
			if before = next; next == 0 {
				break
			}
		}
		if diff := cmp.Diff([]int64{5, 4, 3, 2, 1}, seen); diff != "" {
			t.Errorf("versions by pages of two: %s", diff)
		}
		if list, _, err := s.VersionPage(ctx, "acme", d.ID, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("another tenant sees %d versions, %v", len(list), err)
		}

		for name, tt := range map[string]struct {
			from, to         int64
			wantFrom, wantTo int64
		}{
			"newest and the one before": {0, 0, 4, 5}, "one and the one before": {0, 3, 2, 3}, "from one to the newest": {1, 0, 1, 5},
			"backwards": {4, 2, 4, 2}, "the first": {0, 1, 1, 1},
		} {
			got, err := s.Diff(ctx, tenant, "tell", tt.from, tt.to)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var added, removed []string
			for _, n := range got.Difference.NodesAdded {
				added = append(added, n.ID)
			}
			for _, n := range got.Difference.NodesRemoved {
				removed = append(removed, n.ID)
			}
			wantAdded, wantRemoved := []string{fmt.Sprintf("out%d", tt.wantTo)}, []string{fmt.Sprintf("out%d", tt.wantFrom)}
			if tt.wantFrom == tt.wantTo {
				wantAdded, wantRemoved = nil, nil
			}
			if got.From != tt.wantFrom || got.To != tt.wantTo || got.Name != "tell" || !slices.Equal(added, wantAdded) || !slices.Equal(removed, wantRemoved) ||
				got.Difference.Same != (wantAdded == nil) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		for _, v := range []int64{-1, 6, 1 << 62} {
			if _, err := s.Diff(ctx, tenant, "tell", v, 5); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("from version %d: %v", v, err)
			}
		}

		generation, err := db.Generation(ctx)
		if err != nil {
			t.Fatal(err)
		}
		back, err := s.Restore(ctx, tenant, "tell", 2, orchestration.DefinitionGuard{Version: 5}, "eve")
		if err != nil || back.Version != 6 || back.CreatedBy != "ada" || !cmp.Equal(back.Tags.V, []string{"a"}) {
			t.Errorf("restored: %+v, %v", back, err)
		}
		second, err2 := s.Version(ctx, tenant, d.ID, 2)
		sixth, err6 := s.Version(ctx, tenant, d.ID, 6)
		if err := errors.Join(err2, err6); err != nil || !orchestration.SameConfig(second.Config.V, sixth.Config.V) || sixth.CreatedBy != "eve" || second.CreatedBy != "author2" {
			t.Errorf("version 6 is %s by %s, version 2 %s by %s, %v", sixth.Config.V, sixth.CreatedBy, second.Config.V, second.CreatedBy, err)
		}
		if now, err := db.Generation(ctx); err != nil || now != generation+1 {
			t.Errorf("generation %d after %d, %v: routing would not see it", now, generation, err)
		}
		if again, err := s.Restore(ctx, tenant, "tell", 6, orchestration.DefinitionGuard{}, "eve"); err != nil || again.Version != 6 {
			t.Errorf("what is in force already: version %d, %v", again.Version, err)
		}
		if _, err := s.Restore(ctx, tenant, "tell", 1, orchestration.DefinitionGuard{Version: 5}, "eve"); !errors.Is(err, orchestration.ErrDefinitionConflict) {
			t.Errorf("based on an older version: %v", err)
		}
		for _, ref := range []string{"tell", "nobody"} {
			if _, err := s.Restore(ctx, tenant, ref, 99, orchestration.DefinitionGuard{}, "eve"); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("version 99 of %s: %v", ref, err)
			}
		}
	})
}

// TestDefinitionRestoreInvalid restores a version that was fine when it was made and is no longer.
func TestDefinitionRestoreInvalid(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, db *storage.DB, s *orchestration.DefinitionService) {
		d := inVersions(t, s, "tell", 2)
		if err := db.From(t.Context()).Exec(`UPDATE definition_versions SET config = ? WHERE version = 1`,
			`{"version":"1.0","nodes":[{"id":"a","type":"pager"}]}`).Error; err != nil {
			t.Fatal(err)
		}
		_, err := s.Restore(t.Context(), tenant, "tell", 1, orchestration.DefinitionGuard{}, "eve")
		var invalid *orchestration.InvalidDefinition
		if !errors.As(err, &invalid) || invalid.Problems[0].Pointer != "/config/nodes/0/type" {
			t.Errorf("Restore: %v", err)
		}
		if now, err := s.Get(t.Context(), tenant, "tell"); err != nil || now.Version != 2 || !now.UpdatedAt.Equal(d.UpdatedAt) {
			t.Errorf("it changed to version %d, %v", now.Version, err)
		}
	})
}

func TestDefinitionGuard(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		ctx := t.Context()
		read := inVersions(t, s, "tell", 1)
		describe := func(text string) func(orchestration.Definition) orchestration.DefinitionInput {
			return func(d orchestration.Definition) orchestration.DefinitionInput {
				in := orchestration.InputOfDefinition(d)
				in.Description = text
				return in
			}
		}
		whole := orchestration.DefinitionGuard{Version: read.Version, UpdatedAt: read.UpdatedAt}
		changed, err := s.Change(ctx, tenant, "tell", whole, describe("one"))
		if err != nil || changed.Version != 1 || changed.Description != "one" {
			t.Fatalf("%+v, %v", changed, err)
		}
		// The words are no part of a version: only the time tells that they changed.
		_, err = s.Change(ctx, tenant, "tell", whole, describe("two"))
		var conflict *orchestration.DefinitionChangedError
		if !errors.Is(err, orchestration.ErrDefinitionConflict) || !errors.As(err, &conflict) || conflict.Newest != 1 || !conflict.ChangedAt.Equal(changed.UpdatedAt) {
			t.Errorf("based on what was there before: %v", err)
		}
		if _, err := s.Change(ctx, tenant, "tell", orchestration.DefinitionGuard{Version: 1}, describe("two")); err != nil {
			t.Errorf("by version alone: %v", err)
		}
		if _, err := s.Change(ctx, tenant, "tell", orchestration.DefinitionGuard{Version: 7}, describe("three")); err == nil ||
			!strings.Contains(err.Error(), "based on version 7, the newest is 1") {
			t.Errorf("a version to come: %v", err)
		}
		stale := orchestration.DefinitionGuard{UpdatedAt: read.UpdatedAt.Add(-time.Second)}
		if _, err := s.Change(ctx, tenant, "tell", stale, describe("three")); !errors.Is(err, orchestration.ErrDefinitionConflict) {
			t.Errorf("by an older time: %v", err)
		}
		if _, err := s.Change(ctx, tenant, id.New().String(), orchestration.DefinitionGuard{}, describe("x")); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a missing one: %v", err)
		}
	})
}

// TestDefinitionChangeLosesNothing lets several people change different fields at once: none may undo what another did.
func TestDefinitionChangeLosesNothing(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, _ *storage.DB, s *orchestration.DefinitionService) {
		inVersions(t, s, "tell", 1)
		var wg sync.WaitGroup
		done := make([]bool, 8)
		for i := range done {
			wg.Go(func() {
				_, err := s.Change(t.Context(), tenant, "tell", orchestration.DefinitionGuard{}, func(d orchestration.Definition) orchestration.DefinitionInput {
					in := orchestration.InputOfDefinition(d)
					in.Tags = append(slices.Clone(in.Tags), fmt.Sprintf("tag%d", i))
					return in
				})
				if done[i] = err == nil; err != nil && !errors.Is(err, orchestration.ErrDefinitionConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := s.Get(t.Context(), tenant, "tell")
		if err != nil {
			t.Fatal(err)
		}
		for i, ok := range done {
			if slices.Contains(got.Tags.V, fmt.Sprintf("tag%d", i)) != ok {
				t.Errorf("change %d was answered with %v, and there is now %v", i, ok, got.Tags.V)
			}
		}
		if len(got.Tags.V) < 2 {
			t.Errorf("none came through: %v", got.Tags.V)
		}
	})
}
