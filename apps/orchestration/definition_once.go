package orchestration

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// onceAuthor marks definitions that hold what was run once.
const onceAuthor = "once"

// Once stores a definition for runs of its own: it takes part in no routing and stands in no list, but its versions stay for the runs
// that used them. The same config under the same name is the same version. Problems of it are an *InvalidDefinition.
func (s *DefinitionService) Once(ctx context.Context, tenant, name string, config json.RawMessage) (definition id.ID, version int64, err error) {
	specs, err := s.specs(ctx, tenant)
	if err != nil {
		return id.ID{}, 0, err
	}
	in := DefinitionInput{Name: name, Config: config, By: onceAuthor}.clean()
	if err := in.check(specs); err != nil {
		return id.ID{}, 0, err
	}
	for range 5 { // another process may be faster
		definition, version, err = s.once(ctx, tenant, in)
		if !storage.Duplicate(err) {
			break
		}
	}
	if err != nil {
		return id.ID{}, 0, fmt.Errorf("keep the pipeline %q: %w", name, storage.Classify(err))
	}
	return definition, version, nil
}

func (s *DefinitionService) once(ctx context.Context, tenant string, in DefinitionInput) (definition id.ID, version int64, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		var list []Definition
		if err := s.db.From(ctx).Where("tenant_id = ? AND name = ? AND created_by = ? AND deleted_at IS NOT NULL", tenant, in.Name, onceAuthor).
			Order("id").Limit(1).Find(&list).Error; err != nil {
			return err
		}
		now := s.db.Now()
		if len(list) == 0 {
			d := Definition{ID: id.New(), TenantID: tenant, Version: 1, CreatedBy: onceAuthor, CreatedAt: now, UpdatedAt: now, DeletedAt: &now}
			d.set(in)
			definition, version = d.ID, d.Version
			if err := s.db.From(ctx).Select("*").Create(&d).Error; err != nil {
				return err
			}
			return s.keepVersion(ctx, d, in.By, false)
		}
		d := list[0]
		definition = d.ID
		var known []DefinitionVersion
		if err := s.db.From(ctx).Where("definition_id = ?", d.ID).Order("version DESC").Limit(onceLook).Find(&known).Error; err != nil {
			return err
		}
		for _, v := range known {
			if SameConfig(v.Config.V, in.Config) {
				version = v.Version
				return nil
			}
		}
		version = known[0].Version + 1
		d.Version, d.UpdatedAt = version, now
		d.set(in)
		return s.keepVersion(ctx, d, in.By, false)
	})
	return definition, version, err
}

// onceLook is how many of the last versions are looked through for the same config.
const onceLook = 50

// Route returns a stored version as a route of its own, for runs that name it.
func (c *Catalog) Route(ctx context.Context, name string, definition id.ID, version int64) (*Route, error) {
	g, err := c.Graph(ctx, definition, version)
	if err != nil {
		return nil, err
	}
	return newRoute(definition, name, version, g), nil
}
