package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// opens runs a command on the database: withHub, withStored or withAny.
type opens func(ctx context.Context, w where, fn func(ctx context.Context, h *Hub) error) error

// withHub opens the database for a command that writes something new, and makes it where there is none.
func (p *Program) withHub(ctx context.Context, w where, fn func(ctx context.Context, h *Hub) error) error {
	cfg, err := p.settings(w.overrides())
	if err != nil {
		return err
	}
	return p.work(ctx, cfg, fn)
}

// withStored opens the database for a command that reads or changes what is stored. Where there is none it says so, and makes none.
func (p *Program) withStored(ctx context.Context, w where, fn func(ctx context.Context, h *Hub) error) error {
	cfg, err := p.settings(w.overrides())
	if err != nil {
		return err
	}
	if file := missingFile(cfg); file != "" {
		return fmt.Errorf("there is no database yet in %s: no %s is there\nThe first start makes it: incidenthub serve\n"+
			"To look elsewhere, name the folder with --data-dir (HUB_DATA_DIR) or the database with --database-url (HUB_DATABASE_URL)", filepath.Dir(file), filepath.Base(file))
	}
	return p.work(ctx, cfg, fn)
}

// withAny opens the database for a command that can do without what is stored, and writes nothing. Where there is none it works on one of its own,
// which is gone afterwards.
func (p *Program) withAny(ctx context.Context, w where, fn func(ctx context.Context, h *Hub) error) (err error) {
	cfg, err := p.settings(w.overrides())
	if err != nil {
		return err
	}
	if missingFile(cfg) == "" {
		return p.work(ctx, cfg, fn)
	}
	dir, err := os.MkdirTemp("", "incidenthub-")
	if err != nil {
		return fmt.Errorf("make a folder for a while: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg.Storage.DataDir, cfg.Storage.DatabaseURL = dir, secret.NewString("sqlite:"+filepath.Join(dir, "incidenthub.db"))
	return p.work(ctx, cfg, fn)
}

// work opens the database for one command. What its services log is not shown: the command says what it did.
func (p *Program) work(ctx context.Context, cfg config.Config, fn func(ctx context.Context, h *Hub) error) (err error) {
	h, err := p.Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return public(err)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return fn(auth.With(ctx, auth.System(tenant)), h)
}

// missingFile is the SQLite file that the settings name and that is not there, "" when it is, or cannot be looked for, and for other databases.
func missingFile(cfg config.Config) string {
	path, ok := strings.CutPrefix(cfg.Storage.DatabaseURL.Reveal(), "sqlite:")
	if !ok {
		return ""
	}
	path = strings.TrimPrefix(path, "//")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return "" // what cannot be looked at is told by who opens it
	}
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return path
}
