package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type migrateCmd struct {
	where
	JSON bool `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (migrateCmd) Help() string {
	return `"serve" does this too. Run it by itself to migrate before a release is rolled out to several processes. It makes what is missing, says how
many migrations it applied, and refuses a database that a newer release has migrated. It needs no secret key.

Example:

    HUB_DATABASE_URL=postgres://hub@db/hub incidenthub migrate`
}

// Run implements the command.
func (c migrateCmd) Run(ctx context.Context, p *Program) (err error) {
	cfg, err := p.settings(c.overrides())
	if err != nil {
		return err
	}
	db, err := storage.Open(ctx, storage.Config{URL: cfg.Storage.DatabaseURL.Reveal(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return public(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err := migrations(ctx, db)
	if err != nil {
		before = 0 // a new database has no list of them
	}
	if err := db.Migrate(ctx); err != nil {
		return public(err)
	}
	after, err := migrations(ctx, db)
	if err != nil {
		return public(err)
	}
	applied, engine := after-before, string(db.Engine())
	switch {
	case c.JSON:
		return p.printJSON(map[string]any{"engine": engine, "up_to_date": true, "applied": applied})
	case applied == 0:
		p.say("The schema of the %s database is up to date.", engine)
	case applied == 1:
		p.say("Applied 1 migration to the %s database.", engine)
	default:
		p.say("Applied %d migrations to the %s database.", applied, engine)
	}
	return nil
}

// migrations counts those that the database has had.
func migrations(ctx context.Context, db *storage.DB) (n int64, err error) {
	err = db.Read(ctx).Raw(`SELECT count(*) FROM goose_db_version WHERE version_id > 0 AND is_applied`).Scan(&n).Error
	return n, err
}
