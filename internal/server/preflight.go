package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// preflightTime is how long one look at a database or at Redis may take.
const preflightTime = 5 * time.Second

// inspection collects what is found of a setup.
type inspection struct {
	cfg   config.Config
	root  string // of the machine's files: "/"
	db    *storage.DB
	found []preflight.Check
}

func (i *inspection) add(group, name string, level preflight.Level, message, hint string) {
	i.found = append(i.found, preflight.Check{Group: group, Name: name, Level: level, Message: message, Hint: hint})
}

// Preflight looks at a setup for one command, with a hub running beside it or not. It migrates nothing, makes no file, and keeps what
// it found when there is a database of this release to keep it in.
func Preflight(ctx context.Context, cfg config.Config, environ, only []string, by string) (preflight.Run, error) {
	i := &inspection{cfg: cfg, root: "/"}
	dberr := i.open(ctx)
	if i.db != nil {
		defer func() { _ = i.db.Close() }() // what was found is kept by then
	}
	i.look(ctx, only, dberr)
	for _, name := range config.Unknown(environ) {
		if preflight.Wanted(only, "environment") {
			i.add("environment", "settings", preflight.Warn, name+" is set, but there is no such setting", "look for the right name in docs/settings.md")
		}
	}
	return i.keep(ctx, by)
}

// Run implements api.Preflights for a hub that runs.
func (p preflights) Run(ctx context.Context, tenant string, only []string, by string) (preflight.Run, error) {
	i := &inspection{cfg: p.c.cfg, root: "/", db: p.c.db}
	i.look(ctx, only, nil)
	r := i.sum(by)
	return r, preflight.Save(ctx, i.db, tenant, r)
}

// preflights fits the hub to its API.
type preflights struct{ c *core }

// List implements api.Preflights.
func (p preflights) List(ctx context.Context, tenant string, page storage.Paging) (storage.Page[preflight.Run], error) {
	return preflight.List(ctx, p.c.db, tenant, page)
}

func (i *inspection) sum(by string) preflight.Run {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	now := clock.System().Now()
	return preflight.Sum(i.found, name, by, now)
}

func (i *inspection) keep(ctx context.Context, by string) (preflight.Run, error) {
	r := i.sum(by)
	if i.db == nil {
		return r, nil
	}
	if current, wanted, err := i.db.Versions(ctx); err != nil || current != wanted {
		return r, nil //nolint:nilerr // there is no place to keep it, which is said in its checks
	}
	return r, preflight.Save(ctx, i.db, tenant, r)
}

// errNoFile: SQLite would make it.
var errNoFile = errors.New("there is no database yet; the first start makes it")

// open connects to the database, which must be there.
func (i *inspection) open(ctx context.Context) error {
	url := i.cfg.Storage.DatabaseURL.Reveal()
	if !strings.HasPrefix(url, "postgres") {
		path := strings.TrimPrefix(strings.TrimPrefix(url, "sqlite://"), "sqlite:")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return errNoFile
		} else if err != nil {
			return fmt.Errorf("look at the database: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	db, err := storage.Open(ctx, storage.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		i.db = db
	}
	return err
}

func (i *inspection) look(ctx context.Context, only []string, dberr error) {
	for group, looks := range map[string][]func(ctx context.Context, dberr error){
		"security":    {i.secretKey, i.adminKey, i.address, i.dataFolder},
		"environment": {i.publicURL, i.redis, i.time, i.space},
		"pipeline":    {i.pipelines, i.channels, i.namedChannels, i.provider},
		"crontab":     {i.crontab},
		"migrations":  {i.migrations},
		"database":    {i.database},
	} {
		if preflight.Wanted(only, group) {
			for _, look := range looks {
				look(ctx, dberr)
			}
		}
	}
	i.sort()
}

// database: it answers, and takes rows.
func (i *inspection) database(ctx context.Context, dberr error) {
	const group = "database"
	switch {
	case errors.Is(dberr, errNoFile):
		i.add(group, "reachable", preflight.Info, "The SQLite file is not there yet: the first start makes it", "")
		return
	case dberr != nil:
		i.add(group, "reachable", preflight.Error, "The database cannot be opened: "+fault.Public(dberr), "check HUB_DATABASE_URL, and that the server runs and lets this machine in")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	if err := i.db.Ping(ctx); err != nil {
		i.add(group, "reachable", preflight.Error, "The database does not answer: "+fault.Public(err), "check HUB_DATABASE_URL and the server")
		return
	}
	i.add(group, "reachable", preflight.OK, "The database answers ("+string(i.db.Engine())+")", "")
	if current, _, err := i.db.Versions(ctx); err != nil || current == 0 {
		return // no table to try it on; the group migrations says so
	}
	err := i.db.InTx(ctx, func(ctx context.Context) error {
		return i.db.From(ctx).Exec("UPDATE config_generation SET generation = generation WHERE id = 1").Error
	})
	if err != nil {
		i.add(group, "writable", preflight.Error, "The database takes no rows: "+fault.Public(err), "look at the rights of its user, and at the space on its disk")
		return
	}
	i.add(group, "writable", preflight.OK, "The database takes rows", "")
}

func (i *inspection) migrations(ctx context.Context, dberr error) {
	const group, name = "migrations", "schema"
	if i.db == nil {
		level := preflight.Error
		if errors.Is(dberr, errNoFile) {
			level = preflight.Info
		}
		i.add(group, name, level, "The schema cannot be looked at without the database", "see the group database")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	current, wanted, err := i.db.Versions(ctx)
	switch {
	case err != nil:
		i.add(group, name, preflight.Error, "The schema's version cannot be read: "+fault.Public(err), "look at the rights of the database's user")
	case current > wanted:
		i.add(group, name, preflight.Error, fmt.Sprintf("The schema (%d) is newer than this program (%d)", current, wanted), "start the newer release instead")
	case current < wanted:
		i.add(group, name, preflight.Warn, fmt.Sprintf("The schema (%d) is older than this program (%d)", current, wanted), "the next start brings it up to date; or run: incidenthub migrate")
	default:
		i.add(group, name, preflight.OK, fmt.Sprintf("The schema is the one of this release (%d)", current), "")
	}
}

func (i *inspection) redis(ctx context.Context, _ error) {
	const group, name = "environment", "redis"
	url := i.cfg.Storage.RedisURL.Reveal()
	if url == "" {
		i.add(group, name, preflight.Info, "No Redis: right for a hub of one process", "")
		return
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		i.add(group, name, preflight.Error, "HUB_REDIS_URL cannot be read", "write it as redis://host:6379/0")
		return
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		i.add(group, name, preflight.Warn, "Redis does not answer: "+fault.Public(err), "the hub works without it, but its processes look for work instead of being woken; check HUB_REDIS_URL")
		return
	}
	i.add(group, name, preflight.OK, "Redis answers", "")
}

// maxSkew is how much the clocks may differ before it is worth a word, and before it is wrong.
const (
	maxSkew   = 2 * time.Second
	wrongSkew = time.Minute
)

func (i *inspection) time(ctx context.Context, _ error) {
	const group, name = "environment", "clock"
	if i.db == nil || i.db.Engine() != storage.Postgres {
		return // there is one clock
	}
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	theirs, err := i.db.Time(ctx)
	if err != nil {
		return // the group database says why
	}
	off := i.db.Now().Sub(theirs).Abs().Round(time.Millisecond)
	switch text := fmt.Sprintf("The clocks of this machine and the database differ by %s", off); {
	case off > wrongSkew:
		i.add(group, name, preflight.Error, text, "run an NTP client on both: times of alerts will be wrong")
	case off > maxSkew:
		i.add(group, name, preflight.Warn, text, "run an NTP client on both")
	default:
		i.add(group, name, preflight.OK, text, "")
	}
}
