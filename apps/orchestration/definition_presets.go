package orchestration

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/pipelines"
)

// ActivePreset is the preset that works from the first start on.
const ActivePreset = "full"

// presetAuthor marks what InstallPresets wrote.
const presetAuthor = "setup_instance"

// InstallPresets writes the presets that the tenant never had under their name, so that one that was deleted does not come
// back and one that was changed stays as it is. All are inactive but the one named active, and that only when there were no
// presets before: a second route for every alert must not appear with an update. It may run at every start.
func (s *DefinitionService) InstallPresets(ctx context.Context, tenant, active string) error {
	presets, err := pipelines.Presets()
	if err != nil {
		return err
	}
	for range 3 { // another process may be faster; then there is nothing left to do
		// All of them or none: a start that is killed half way must not look like an earlier one, whose choice of what is active stays.
		err = s.db.InTx(ctx, func(ctx context.Context) error { return s.installPresets(ctx, tenant, active, presets) })
		if !errors.Is(err, ErrDefinitionExists) {
			return err
		}
	}
	return err
}

func (s *DefinitionService) installPresets(ctx context.Context, tenant, active string, presets []pipelines.Preset) error {
	var had []Definition
	err := s.db.From(ctx).Select("name", "created_by").Where("tenant_id = ?", tenant).
		Where("created_by = ? OR deleted_at IS NULL", presetAuthor).Find(&had).Error
	if err != nil {
		return fmt.Errorf("look for installed pipelines: %w", storage.Classify(err))
	}
	known, first := map[string]bool{}, true
	for _, d := range had {
		known[d.Name] = true
		first = first && d.CreatedBy != presetAuthor
	}
	for _, p := range presets {
		if known[p.Name] {
			continue
		}
		in := DefinitionInput{
			Name: p.Name, Description: p.Description, Config: p.Config, Tags: p.Tags,
			IsActive: first && p.Name == active, By: presetAuthor,
		}
		if _, err := s.insert(ctx, tenant, in.clean()); err != nil {
			return fmt.Errorf("install pipeline %q: %w", p.Name, err)
		}
	}
	return nil
}
