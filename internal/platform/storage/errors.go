package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
)

// Classify marks err with ErrUnavailable when it speaks of the database itself and not of the statement: lost connection,
// disk full, locked, shutting down.
func Classify(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || !unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func unavailable(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		// https://www.postgresql.org/docs/15/errcodes-appendix.html: 08 connection, 53 resources, 57 operator, 58 system, 25006 read only.
		return len(pg.Code) == 5 && (pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:2] == "57" || pg.Code[:2] == "58" ||
			pg.Code == "25006" || pg.Code == "55P03")
	}
	if lite := (*sqlite3.Error)(nil); errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.FULL, sqlite3.IOERR, sqlite3.BUSY, sqlite3.LOCKED, sqlite3.CANTOPEN, sqlite3.READONLY, sqlite3.NOMEM, sqlite3.INTERRUPT:
			return true
		default:
			return false
		}
	}
	var ne net.Error
	var ce *pgconn.ConnectError
	return errors.As(err, &ne) || errors.As(err, &ce) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// again reports whether a Postgres transaction lost against another one and may be tried again at once: serialization,
// deadlock, or a unique key that another transaction took between our look-up and our insert.
func again(err error) bool {
	pg := (*pgconn.PgError)(nil)
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "23505")
}
