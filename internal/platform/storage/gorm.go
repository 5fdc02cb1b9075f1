package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

func gormConfig(d *DB) *gorm.Config {
	return &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		NowFunc:                d.Now,
		Logger: gormLog{logger.NewSlogLogger(d.log, logger.Config{
			SlowThreshold:             500 * time.Millisecond,
			LogLevel:                  logger.Warn,
			IgnoreRecordNotFoundError: true,
		})},
	}
}

// gormLog keeps values out of the log, which gorm's own does not, what was not waited for, and names that are taken, which whoever asked is told.
type gormLog struct{ logger.Interface }

// LogMode implements gorm's logger.Interface.
func (l gormLog) LogMode(level logger.LogLevel) logger.Interface {
	return gormLog{l.Interface.LogMode(level)}
}

// ParamsFilter implements gorm's ParamsFilter: a statement is logged with its placeholders.
func (gormLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) { return sql, nil }

// Trace implements gorm's logger.Interface.
func (l gormLog) Trace(ctx context.Context, begin time.Time, fc func() (sql string, rows int64), err error) {
	if errors.Is(err, context.Canceled) || duplicate(err) {
		err = nil
	}
	l.Interface.Trace(ctx, begin, fc, err)
}

type txKey struct{}

// Read returns a session for queries. On SQLite it cannot write.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.read.WithContext(ctx) }

// InTx runs fn in one transaction; stores reached through ctx join it by From. A transaction inside one joins the outer.
// fn must not wait for the network or for anything that writes outside of it.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if _, ok := ctx.Value(txKey{}).(*gorm.DB); ok {
		return fn(ctx)
	}
	return Classify(d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return fn(context.WithValue(ctx, txKey{}, tx))
	}))
}

// From returns the transaction that ctx carries, else a session that writes on its own.
func (d *DB) From(ctx context.Context) *gorm.DB {
	if tx, ok := ctx.Value(txKey{}).(*gorm.DB); ok {
		return tx.WithContext(ctx)
	}
	return d.write.WithContext(ctx)
}

// Missing turns gorm's "record not found" into ErrNotFound with what was looked for; other errors get the same words.
func Missing(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	default:
		return fmt.Errorf("load %s: %w", what, Classify(err))
	}
}

// Duplicate reports whether err is a violated unique key.
func Duplicate(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) }

// duplicate is Duplicate for errors of the drivers, before and after gorm has given them its name.
func duplicate(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return pg.Code == "23505" // unique_violation
	}
	if lite := (*sqlite3.Error)(nil); errors.As(err, &lite) {
		return lite.ExtendedCode() == sqlite3.CONSTRAINT_UNIQUE || lite.ExtendedCode() == sqlite3.CONSTRAINT_PRIMARYKEY
	}
	return Duplicate(err)
}
