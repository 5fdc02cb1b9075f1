package storage

import (
	"context"
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

func (d *DB) openPostgres(ctx context.Context) error {
	hot, err := pgxpool.ParseConfig(d.url)
	if err != nil {
		return fmt.Errorf("read HUB_DATABASE_URL: %w", err)
	}
	maps.Copy(hot.ConnConfig.RuntimeParams, hotSettings)
	hot.MaxConns = 10
	hot.AfterConnect = inUTC
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
	p := stdlib.OpenDB(*app.ConnConfig, stdlib.OptionAfterConnect(inUTC))
	p.SetMaxOpenConns(10)
	p.SetMaxIdleConns(4)
	p.SetConnMaxIdleTime(5 * time.Minute)
	d.pools = append(d.pools, p)
	if err := p.PingContext(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if d.write, err = gorm.Open(postgres.New(postgres.Config{Conn: p}), gormConfig(d)); err != nil {
		return fmt.Errorf("start gorm: %w", err)
	}
	d.read = d.write
	return nil
}

// inUTC makes times come back in UTC instead of the machine's zone, as SQLite gives them and as they are shown.
func inUTC(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
