package orchestration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Difference is what lies between two definitions.
type Difference = graph.Difference

// DiffConfigs compares two definitions by what they say.
func DiffConfigs(from, to []byte) (Difference, error) { return graph.Diff(from, to) }

// VersionDiff is what lies between two versions of a definition.
type VersionDiff struct {
	Name       string
	From, To   int64
	Difference Difference
}

// DefinitionGuard is what a change was based on; it is refused when that is no longer so. Zero fields are not compared.
type DefinitionGuard struct {
	Version   int64     // of the config
	UpdatedAt time.Time // of the whole definition
}

// DefinitionChangedError is a change refused because of another one in between. It is ErrDefinitionConflict.
type DefinitionChangedError struct {
	Read, Newest int64     // versions; Read is 0 when the change named none
	ChangedAt    time.Time // of the last change, UTC
}

// Error implements error.
func (e *DefinitionChangedError) Error() string {
	at := e.ChangedAt.UTC().Format(time.RFC3339)
	if e.Read != 0 && e.Read != e.Newest {
		return fmt.Sprintf("%v (this change is based on version %d, the newest is %d, of %s)", ErrDefinitionConflict, e.Read, e.Newest, at)
	}
	return fmt.Sprintf("%v (it is at version %d, and was last changed at %s)", ErrDefinitionConflict, e.Newest, at)
}

// Is makes it ErrDefinitionConflict.
func (e *DefinitionChangedError) Is(target error) bool { return target == ErrDefinitionConflict }

func (g DefinitionGuard) check(d Definition) error {
	if (g.Version != 0 && g.Version != d.Version) || (!g.UpdatedAt.IsZero() && !g.UpdatedAt.Equal(d.UpdatedAt)) {
		return &DefinitionChangedError{Read: g.Version, Newest: d.Version, ChangedAt: d.UpdatedAt}
	}
	return nil
}

// changeTries bounds how often a change begins again after it lost a race.
const changeTries = 5

// Change makes of a definition what fn returns for it, in one step: what others change meanwhile is either seen by fn, which may
// run more than once, or refuses the change. A new config is a new version; runs that have begun keep theirs. An input that
// changes nothing writes nothing.
func (s *DefinitionService) Change(
	ctx context.Context, tenant, ref string, guard DefinitionGuard, fn func(Definition) DefinitionInput,
) (Definition, error) {
	specs, err := s.specs(ctx, tenant)
	if err != nil {
		return Definition{}, err
	}
	var d Definition
	for range changeTries {
		was, err2 := s.Get(ctx, tenant, ref)
		if err = err2; err == nil {
			err = guard.check(was)
		}
		if err != nil {
			return Definition{}, fmt.Errorf("change pipeline %.100q: %w", ref, err)
		}
		in := fn(was).clean()
		if err := in.check(specs); err != nil { // outside of the transaction: it takes a while
			return Definition{}, err
		}
		d, err = s.edit(ctx, tenant, was.ID.String(), func(d *Definition) error {
			if err := (DefinitionGuard{was.Version, was.UpdatedAt}).check(*d); err != nil {
				return err
			}
			d.become(in)
			return nil
		}, in.By, in.Vouched)
		if !errors.Is(err, ErrDefinitionConflict) {
			break
		}
	}
	return d, err
}

// become takes over what in says: who made the definition stays, and so does the config's spelling when it says the same.
func (d *Definition) become(in DefinitionInput) {
	config := d.Config
	d.set(in)
	if SameConfig(config.V, in.Config) {
		d.Config = config
	}
}

// VersionPage lists versions of a definition, newest first, from the one before a version on (0: from the newest); next is what to
// ask for after it, 0 when it is the last page.
func (s *DefinitionService) VersionPage(
	ctx context.Context, tenant string, definition id.ID, before int64, limit int,
) (list []DefinitionVersion, next int64, err error) {
	q := s.db.From(ctx).Where("definition_id = ? AND tenant_id = ?", definition, tenant)
	if before > 0 {
		q = q.Where("version < ?", before)
	}
	if err := q.Order("version DESC").Limit(limit + 1).Find(&list).Error; err != nil {
		return nil, 0, fmt.Errorf("list the versions of pipeline %s: %w", definition, storage.Classify(err))
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Version
	}
	return list, next, nil
}

// Diff compares two versions of a definition. to 0 is the newest, from 0 the one before to; the first version is compared with
// itself.
func (s *DefinitionService) Diff(ctx context.Context, tenant, ref string, from, to int64) (VersionDiff, error) {
	d, err := s.Get(ctx, tenant, ref)
	if err != nil {
		return VersionDiff{}, err
	}
	if to == 0 {
		to = d.Version
	}
	if from == 0 {
		from = max(to-1, 1)
	}
	older, err := s.Version(ctx, tenant, d.ID, from)
	if err != nil {
		return VersionDiff{}, err
	}
	newer, err := s.Version(ctx, tenant, d.ID, to)
	if err != nil {
		return VersionDiff{}, err
	}
	diff, err := graph.Diff(older.Config.V, newer.Config.V)
	return VersionDiff{Name: d.Name, From: from, To: to, Difference: diff}, err
}

// Restore makes an old version the newest again, as a new version: runs of those in between keep theirs. Its config must be valid
// today. Restoring what is in force already changes nothing.
func (s *DefinitionService) Restore(ctx context.Context, tenant, ref string, version int64, guard DefinitionGuard, by string) (Definition, error) {
	d, err := s.Get(ctx, tenant, ref)
	if err != nil {
		return Definition{}, err
	}
	old, err := s.Version(ctx, tenant, d.ID, version)
	if err != nil {
		return Definition{}, err
	}
	return s.Change(ctx, tenant, d.ID.String(), guard, func(d Definition) DefinitionInput {
		in := InputOfDefinition(d)
		in.Config, in.By = old.Config.V, by
		return in
	})
}
