package orchestration_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestPresetsAllOrNone breaks the first installation off half way. The next one must not take its rest for the work of an earlier
// release and leave every pipeline inactive: then no alert would have a route.
func TestPresetsAllOrNone(t *testing.T) {
	t.Parallel()
	withDefinitions(t, func(t *testing.T, db *storage.DB, s *orchestration.DefinitionService) {
		ctx := t.Context()
		breakOff := map[storage.Engine][]string{
			storage.SQLite: {`CREATE TRIGGER break_off BEFORE INSERT ON definitions WHEN new.name = 'full' BEGIN SELECT raise(ABORT, 'broken off'); END`},
			storage.Postgres: {
				`CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken off'; END $$`,
				`CREATE TRIGGER break_off BEFORE INSERT ON definitions FOR EACH ROW WHEN (new.name = 'full') EXECUTE FUNCTION break_off()`,
			},
		}
		goOn := map[storage.Engine]string{storage.SQLite: `DROP TRIGGER break_off`, storage.Postgres: `DROP TRIGGER break_off ON definitions`}
		for _, q := range breakOff[db.Engine()] {
			if err := db.From(ctx).Exec(q).Error; err != nil {
				t.Fatal(err)
			}
		}
		if err := s.InstallPresets(ctx, tenant, orchestration.ActivePreset); err == nil {
			t.Fatal("not broken off")
		}
		if err := db.From(ctx).Exec(goOn[db.Engine()]).Error; err != nil {
			t.Fatal(err)
		}
		if err := s.InstallPresets(ctx, tenant, orchestration.ActivePreset); err != nil {
			t.Fatal(err)
		}
		direct, err := s.Get(ctx, tenant, orchestration.ActivePreset)
		if err != nil || !direct.IsActive {
			t.Errorf("%s is active: %v, %v", orchestration.ActivePreset, direct.IsActive, err)
		}
	})
}
