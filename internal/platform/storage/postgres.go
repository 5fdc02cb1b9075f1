package storage

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// hotSettings pin the planner for batches of key look-ups: plans are cached while tables may still be empty, and a
// sequential or hash plan made then would be kept when they are large.
var hotSettings = map[string]string{
	"application_name":  "incidenthub-hot",
	"enable_seqscan":    "off",
	"enable_hashjoin":   "off",
	"enable_mergejoin":  "off",
	"jit":               "off",
	"statement_timeout": "20000",
	"lock_timeout":      "10000",
}

func (d *DB) openPostgres(ctx context.Context, unsafe bool) error {
	prepare := durable
	if unsafe {
		prepare = inUTC
	}
	hot, err := pgxpool.ParseConfig(d.url)
	if err != nil {
		return fmt.Errorf("read HUB_DATABASE_URL: %w", err)
	}
	maps.Copy(hot.ConnConfig.RuntimeParams, hotSettings)
	hot.MaxConns = 10
	hot.MaxConnIdleTime, hot.HealthCheckPeriod = idle, idle/3
	hot.AfterConnect = prepare
	hot.ConnConfig.ConnectTimeout = 5 * time.Second
	if d.hot, err = pgxpool.NewWithConfig(ctx, hot); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	app, err := pgxpool.ParseConfig(d.url)
	if err != nil {
		return fmt.Errorf("read HUB_DATABASE_URL: %w", err)
	}
	app.ConnConfig.RuntimeParams["application_name"] = "incidenthub"
	app.ConnConfig.ConnectTimeout = 5 * time.Second
	p := stdlib.OpenDB(*app.ConnConfig, stdlib.OptionAfterConnect(prepare))
	p.SetMaxOpenConns(10)
	p.SetMaxIdleConns(4)
	p.SetConnMaxIdleTime(idle)
	d.pools = append(d.pools, p)
	if err := p.PingContext(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if !unsafe {
		if err := d.warnOfFsync(ctx, p); err != nil {
			return err
		}
	}
	if d.write, err = gorm.Open(postgres.New(postgres.Config{Conn: p}), gormConfig(d)); err != nil {
		return fmt.Errorf("start gorm: %w", err)
	}
	d.read = d.write
	return nil
}

// durable prepares a connection whose commits must be on disk before they are answered, whatever the server, the database or the
// role was set to. Settings that promise more than "on" (remote_apply) or wait for the local disk only (local) stay.
func durable(ctx context.Context, c *pgx.Conn) error {
	const q = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
	if _, err := c.Exec(ctx, q); err != nil {
		return fmt.Errorf("turn synchronous_commit on: %w", err)
	}
	return inUTC(ctx, c)
}

// warnOfFsync tells of what no client can change.
func (d *DB) warnOfFsync(ctx context.Context, p *sql.DB) error {
	var fsync, pages string
	if err := p.QueryRowContext(ctx, "SELECT current_setting('fsync'), current_setting('full_page_writes')").Scan(&fsync, &pages); err != nil {
		return fmt.Errorf("look at the server's settings: %w", err)
	}
	if fsync == "off" || pages == "off" {
		d.log.WarnContext(ctx, "the Postgres server keeps nothing safe from a power cut; turn fsync and full_page_writes on",
			"fsync", fsync, "full_page_writes", pages)
	}
	return nil
}

// inUTC makes times come back in UTC instead of the machine's zone, as SQLite gives them and as they are shown.
func inUTC(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
