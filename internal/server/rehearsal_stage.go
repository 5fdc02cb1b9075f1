package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// rehearsing is what a hub on a stage has instead of the real things.
type rehearsing struct {
	// channels gives the hub's channels, none of which sends.
	channels func(ctx context.Context) ([]*notify.Live, error)
	// providers gives the hub's providers, none of which can be asked.
	providers func(ctx context.Context) ([]analysts.Live, error)
	inPlace   bool // nodes run within the fold, none by a queue
	redact    *redact.Redactor
	hush      notify.Hush // the hub's
}

// stage is a whole hub for one rehearsal: the real engine on a SQLite file in a folder that goes away with it. It has the hub's
// definitions, with the candidate among them, and the names of its channels; no secret is copied and nothing of it can send.
type stage struct {
	*core

	hub    *core
	folder *stageFolder
}

// stageOptions say how a stage differs from the hub.
type stageOptions struct {
	tenant    string
	candidate *rehearsal.Candidate
	pretend   func(channel *notify.Live) // sets Live.Pretend on a copy of each channel
	inPlace   bool
	handlers  map[string]orchestration.Handler
}

// stageClose is how long the end of a rehearsal may take.
const stageClose = 10 * time.Second

// openStage makes a stage; the caller closes it.
func (c *core) openStage(ctx context.Context, opt stageOptions) (_ *stage, err error) {
	folder, err := newStageFolder(c.cfg.Storage.DataDir)
	if err != nil {
		return nil, err
	}
	s := &stage{hub: c, folder: folder}
	defer func() { //nolint:contextcheck // it ends whatever ctx says
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	cfg := c.cfg
	cfg.Storage.DataDir = folder.path
	cfg.Storage.DatabaseURL = secret.NewString("sqlite:" + filepath.Join(folder.path, "stage.db"))
	cfg.Storage.RedisURL = secret.String{}
	cfg.Secrets.Key, cfg.Secrets.KeyFile = secret.String{}, "" // one of its own, for nothing
	log := slog.New(quiet{c.log.With("rehearsal", filepath.Base(folder.path)).Handler()})
	s.core, err = openCore(ctx, cfg, log, io.Discard, coreOptions{
		version: c.version, unsafe: true, handlers: opt.handlers, work: Work{Concurrency: c.work.Concurrency},
		rehearsing: &rehearsing{inPlace: opt.inPlace, redact: c.redact, hush: c.hush, channels: func(context.Context) ([]*notify.Live, error) {
			return c.pretenders(opt.tenant, opt.pretend), nil
		}, providers: func(ctx context.Context) ([]analysts.Live, error) { return c.understudies(ctx, opt.tenant) }},
	})
	if err != nil {
		return nil, fmt.Errorf("set the stage: %w", err)
	}
	if err = s.furnish(ctx, opt); err != nil {
		return nil, err
	}
	if err = s.reload.now(ctx); err != nil {
		return nil, fmt.Errorf("set the stage: %w", err)
	}
	return s, nil
}

// pretenders are the hub's active channels as they render, but none of them sends.
func (c *core) pretenders(tenant string, pretend func(*notify.Live)) []*notify.Live {
	active := c.live.Active(tenant)
	out := make([]*notify.Live, 0, len(active))
	for _, l := range active {
		own := *l
		own.Channel = renderer{l.Channel}
		pretend(&own)
		out = append(out, &own)
	}
	return out
}

// renderer is a channel of which only the texts are left.
type renderer struct{ of channel.Channel }

// Render implements channel.Channel.
func (r renderer) Render(n channel.Notice) (channel.Rendered, error) { return r.of.Render(n) }

// Send implements channel.Channel. Nothing calls it: deliveries of a rehearsal are no work.
func (renderer) Send(context.Context, channel.Outgoing) channel.Result {
	return channel.Result{Verdict: channel.Permanent, Class: "rehearsal", Error: "a rehearsal sends nothing"}
}

// furnish copies what the engine looks up by itself: definitions, and the names of channels.
func (s *stage) furnish(ctx context.Context, opt stageOptions) error {
	definitions, err := s.hub.definitions.List(ctx, opt.tenant, true)
	if err != nil {
		return err
	}
	all, err := s.hub.channels.List(ctx, opt.tenant)
	if err != nil {
		return err
	}
	if err := s.db.InTx(ctx, func(ctx context.Context) error {
		db := s.db.From(ctx)
		for _, d := range definitions {
			version := orchestration.DefinitionVersion{
				DefinitionID: d.ID, Version: d.Version, TenantID: d.TenantID, Config: d.Config, CreatedAt: d.UpdatedAt,
			}
			if err := errors.Join(db.Create(&d).Error, db.Create(&version).Error); err != nil {
				return fmt.Errorf("copy the pipelines: %w", storage.Classify(err))
			}
		}
		for _, c := range all {
			c.Config = storage.Doc(json.RawMessage(`{}`))
			if err := db.Create(&c).Error; err != nil {
				return fmt.Errorf("copy the channels' names: %w", storage.Classify(err))
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return s.place(ctx, opt)
}

// place puts the candidate among the definitions.
func (s *stage) place(ctx context.Context, opt stageOptions) error {
	c := opt.candidate
	if c == nil {
		return nil
	}
	was, err := s.definitions.Get(ctx, opt.tenant, c.Name)
	switch {
	case errors.Is(err, storage.ErrNotFound) && len(c.Config) > 0:
		_, err = s.definitions.Create(ctx, opt.tenant, orchestration.DefinitionInput{Name: c.Name, Config: c.Config, IsActive: true, By: "rehearsal"})
		return err
	case err != nil:
		return err
	}
	in := orchestration.InputOfDefinition(was)
	in.IsActive = true
	if len(c.Config) > 0 {
		in.Config = c.Config
	}
	_, err = s.definitions.Update(ctx, opt.tenant, was.Name, 0, in)
	return err
}

// close ends the stage and removes it from the disk.
func (s *stage) close() error {
	var err error
	if s.core != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stageClose)
		defer cancel()
		err = errors.Join(s.stop(ctx), s.core.close())
	}
	return errors.Join(err, s.folder.remove())
}

// quiet lets only warnings and worse through: what a rehearsal does is no news.
type quiet struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// Where the folders of rehearsals are, in the data folder.
const (
	stagesFolder = "rehearsals"
	stageLock    = ".lock" // beside each of them
)

// stageFolder is the folder of one rehearsal, locked while its process lives.
type stageFolder struct {
	path string
	lock *os.File
}

func newStageFolder(data string) (*stageFolder, error) {
	all := filepath.Join(data, stagesFolder)
	if err := os.MkdirAll(all, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of rehearsals: %w", err)
	}
	path := filepath.Join(all, "r-"+id.New().String())
	lock, err := lockStage(path) // first: a folder without a lock is swept
	if err != nil {
		return nil, err
	}
	f := &stageFolder{path, lock}
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make the folder of a rehearsal: %w", err), f.remove())
	}
	return f, nil
}

// lockStage takes the lock of a folder; the kernel drops it when the process dies.
func lockStage(path string) (*os.File, error) {
	f, err := os.OpenFile(path+stageLock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of a rehearsal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder of a rehearsal: %w", err), f.Close())
	}
	return f, nil
}

func (f *stageFolder) remove() error {
	if err := errors.Join(os.RemoveAll(f.path), os.Remove(f.path+stageLock), f.lock.Close()); err != nil {
		return fmt.Errorf("remove the folder of a rehearsal: %w", err)
	}
	return nil
}

// sweepStages removes what rehearsals of processes that died have left behind; those under way, of other processes with the same data
// folder, stay.
func sweepStages(data string) error {
	left, err := filepath.Glob(filepath.Join(data, stagesFolder, "r-*"))
	if err != nil {
		return fmt.Errorf("look for old rehearsals: %w", err)
	}
	var errs []error
	for i := range left {
		left[i] = strings.TrimSuffix(left[i], stageLock)
	}
	slices.Sort(left)
	for _, path := range slices.Compact(left) {
		lock, err := lockStage(path)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue // it is at work
		}
		if err == nil {
			err = (&stageFolder{path, lock}).remove()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
