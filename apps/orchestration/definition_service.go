package orchestration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// DefinitionConfig holds what a DefinitionService needs; every field is required.
type DefinitionConfig struct {
	DB  *storage.DB
	Log *slog.Logger
	// Specs gives the node kinds, with the names that definitions may use now.
	Specs func(ctx context.Context, tenant string) ([]graph.NodeSpec, error)
}

// DefinitionService manages pipeline definitions. It is safe for concurrent use. Callers check permissions: edit for every
// write.
type DefinitionService struct {
	db    *storage.DB
	log   *slog.Logger
	specs func(ctx context.Context, tenant string) ([]graph.NodeSpec, error)
}

// NewDefinitionService returns a DefinitionService. It reads nothing.
func NewDefinitionService(c DefinitionConfig) (*DefinitionService, error) {
	if c.DB == nil || c.Log == nil || c.Specs == nil {
		return nil, errors.New("orchestration: the definitions need DB, Log and Specs")
	}
	return &DefinitionService{db: c.DB, log: c.Log.With("app", "orchestration"), specs: c.Specs}, nil
}

// List returns the tenant's definitions, the one changed last first.
func (s *DefinitionService) List(ctx context.Context, tenant string, includeInactive bool) ([]Definition, error) {
	q := s.db.From(ctx).Where("tenant_id = ? AND deleted_at IS NULL", tenant)
	if !includeInactive {
		q = q.Where("is_active = ?", true)
	}
	var list []Definition
	if err := q.Order("updated_at DESC, id DESC").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("list pipelines: %w", storage.Classify(err))
	}
	return list, nil
}

// Get returns one definition by id or name.
func (s *DefinitionService) Get(ctx context.Context, tenant, ref string) (Definition, error) {
	q := s.db.From(ctx).Where("tenant_id = ? AND deleted_at IS NULL", tenant)
	if key, err := id.Parse(ref); err == nil {
		q = q.Where("id = ?", key)
	} else {
		q = q.Where("name = ?", ref)
	}
	var d Definition
	if err := q.Take(&d).Error; err != nil {
		return Definition{}, storage.Missing(err, fmt.Sprintf("pipeline %.100q", ref))
	}
	return d, nil
}

// Version returns one version of a definition, also of a deleted one.
func (s *DefinitionService) Version(ctx context.Context, tenant string, definition id.ID, n int64) (DefinitionVersion, error) {
	var v DefinitionVersion
	err := s.db.From(ctx).Where("definition_id = ? AND version = ? AND tenant_id = ?", definition, n, tenant).Take(&v).Error
	if err != nil {
		return DefinitionVersion{}, storage.Missing(err, fmt.Sprintf("version %d of pipeline %s", n, definition))
	}
	return v, nil
}

// Versions returns all versions of a definition, newest first; none when there is no such definition.
func (s *DefinitionService) Versions(ctx context.Context, tenant string, definition id.ID) ([]DefinitionVersion, error) {
	var list []DefinitionVersion
	err := s.db.From(ctx).Where("definition_id = ? AND tenant_id = ?", definition, tenant).Order("version DESC").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("list the versions of pipeline %s: %w", definition, storage.Classify(err))
	}
	return list, nil
}

// Validate returns every problem of a definition's text, warnings too, with pointers into that text.
func (s *DefinitionService) Validate(ctx context.Context, tenant string, raw []byte) ([]graph.Problem, error) {
	specs, err := s.specs(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return lintDefinition(raw, specs), nil
}

// Create adds a definition in version 1.
func (s *DefinitionService) Create(ctx context.Context, tenant string, in DefinitionInput) (Definition, error) {
	specs, err := s.specs(ctx, tenant)
	if err != nil {
		return Definition{}, err
	}
	in = in.clean()
	if err := in.check(specs); err != nil {
		return Definition{}, err
	}
	d, err := s.insert(ctx, tenant, in)
	if err != nil {
		return Definition{}, fmt.Errorf("create pipeline %q: %w", in.Name, err)
	}
	s.log.InfoContext(ctx, "pipeline created", "definition_id", d.ID, "name", d.Name, "active", d.IsActive)
	return d, nil
}

func (s *DefinitionService) insert(ctx context.Context, tenant string, in DefinitionInput) (Definition, error) {
	now := s.db.Now()
	d := Definition{ID: id.New(), TenantID: tenant, Version: 1, CreatedBy: in.By, CreatedAt: now, UpdatedAt: now}
	d.set(in)
	return d, s.change(ctx, func(ctx context.Context) error {
		if err := s.db.From(ctx).Select("*").Create(&d).Error; err != nil {
			return err
		}
		if err := s.scheduleSince(ctx, d); err != nil {
			return err
		}
		return s.keepVersion(ctx, d, in.By, in.Vouched)
	})
}

func (d *Definition) set(in DefinitionInput) {
	d.Name, d.Description, d.IsActive = in.Name, in.Description, in.IsActive
	d.Config, d.Tags = storage.Doc(in.Config), storage.Doc(in.Tags)
}

func (s *DefinitionService) keepVersion(ctx context.Context, d Definition, by string, vouched bool) error {
	return s.db.From(ctx).Create(&DefinitionVersion{
		DefinitionID: d.ID, Version: d.Version, TenantID: d.TenantID, Config: d.Config, CreatedBy: by, CreatedAt: d.UpdatedAt, Vouched: vouched,
	}).Error
}

// Changes names what Update would change, in a fixed order; none means that the definition is as in says.
func (s *DefinitionService) Changes(ctx context.Context, tenant, ref string, in DefinitionInput) ([]string, error) {
	specs, err := s.specs(ctx, tenant)
	if err != nil {
		return nil, err
	}
	in = in.clean()
	if err := in.check(specs); err != nil {
		return nil, err
	}
	was, err := s.Get(ctx, tenant, ref)
	if err != nil {
		return nil, err
	}
	next := was
	next.set(in)
	return changedFields(was, next), nil
}

// Update replaces what in holds, if the definition still has that version (0: whatever version it has). A new config is a
// new version; runs that have begun keep theirs. An input that changes nothing writes nothing.
func (s *DefinitionService) Update(ctx context.Context, tenant, ref string, version int64, in DefinitionInput) (Definition, error) {
	return s.Change(ctx, tenant, ref, DefinitionGuard{Version: version}, func(Definition) DefinitionInput { return in })
}

// SetActive lets a definition take part in routing, or not. One that is no longer valid cannot be made active.
func (s *DefinitionService) SetActive(ctx context.Context, tenant, ref string, active bool, by string) (Definition, error) {
	specs, err := s.specs(ctx, tenant)
	if err != nil {
		return Definition{}, err
	}
	return s.edit(ctx, tenant, ref, func(d *Definition) error {
		d.IsActive = active
		if !active {
			return nil
		}
		return InputOfDefinition(*d).check(specs)
	}, by, false)
}

// edit loads a definition, changes it and saves it if nobody was faster, with a new version if the config changed.
func (s *DefinitionService) edit(ctx context.Context, tenant, ref string, fn func(*Definition) error, by string, vouched bool) (Definition, error) {
	var d Definition
	err := s.change(ctx, func(ctx context.Context) error {
		was, err := s.Get(ctx, tenant, ref)
		if err != nil {
			return err
		}
		d = was
		if err := fn(&d); err != nil {
			return err
		}
		if len(changedFields(was, d)) == 0 {
			return errUnchanged
		}
		d.UpdatedAt = s.db.Now()
		fresh := !SameConfig(was.Config.V, d.Config.V)
		if fresh {
			d.Version++
		}
		res := s.db.From(ctx).Model(&Definition{}).
			Where("tenant_id = ? AND id = ? AND version = ? AND updated_at = ? AND deleted_at IS NULL", tenant, d.ID, was.Version, was.UpdatedAt).
			Select("*").Omit("id", "tenant_id", "created_at").Updates(&d)
		switch {
		case res.Error != nil:
			return res.Error
		case res.RowsAffected == 0:
			return &DefinitionChangedError{Newest: was.Version, ChangedAt: was.UpdatedAt}
		case fresh:
			if err := s.keepVersion(ctx, d, by, vouched); err != nil {
				return err
			}
		}
		return s.scheduleSince(ctx, d)
	})
	if errors.Is(err, errUnchanged) {
		return d, nil
	}
	if err != nil {
		return Definition{}, fmt.Errorf("change pipeline %.100q: %w", ref, err)
	}
	s.log.InfoContext(ctx, "pipeline changed", "definition_id", d.ID, "name", d.Name, "version", d.Version, "active", d.IsActive)
	return d, nil
}

// errUnchanged ends a transaction that has nothing to write.
var errUnchanged = errors.New("nothing changed")

func changedFields(a, b Definition) []string {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", a.Name == b.Name},
		{"description", a.Description == b.Description},
		{"config", SameConfig(a.Config.V, b.Config.V)},
		{"tags", slices.Equal(a.Tags.V, b.Tags.V)},
		{"is_active", a.IsActive == b.IsActive},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// Clone makes an inactive copy under another name: two of a kind would both take every alert.
func (s *DefinitionService) Clone(ctx context.Context, tenant, ref, name, by string) (Definition, error) {
	d, err := s.Get(ctx, tenant, ref)
	if err != nil {
		return Definition{}, err
	}
	in := InputOfDefinition(d)
	in.Name, in.IsActive, in.By = name, false, by
	return s.Create(ctx, tenant, in)
}

// SoftDelete takes a definition out of routing and lists for good. Its versions stay for the runs that used them, its name
// becomes free.
func (s *DefinitionService) SoftDelete(ctx context.Context, tenant, ref string) error {
	var d Definition
	err := s.change(ctx, func(ctx context.Context) error {
		var err error
		if d, err = s.Get(ctx, tenant, ref); err != nil {
			return err
		}
		now := s.db.Now()
		return s.db.From(ctx).Model(&Definition{}).Where("tenant_id = ? AND id = ? AND deleted_at IS NULL", tenant, d.ID).
			UpdateColumns(map[string]any{"deleted_at": now, "updated_at": now, "is_active": false}).Error
	})
	if err != nil {
		return fmt.Errorf("delete pipeline %.100q: %w", ref, err)
	}
	s.log.InfoContext(ctx, "pipeline deleted", "definition_id", d.ID, "name", d.Name)
	return nil
}

// change runs fn and marks the configuration as changed in one transaction.
func (s *DefinitionService) change(ctx context.Context, fn func(ctx context.Context) error) error {
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return s.db.BumpGeneration(ctx)
	})
	if storage.Duplicate(err) {
		return ErrDefinitionExists
	}
	return err
}
