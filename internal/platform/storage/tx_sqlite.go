package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// liteConn is the writer connection with its prepared statements.
type liteConn struct {
	conn  *sqlite3.Conn
	stmts map[*Statement]*liteStmt
}

// liteStmt is a prepared statement and the values that its parameters hold: SQLite keeps them from one run to the next, and most
// columns of neighbouring rows hold the same.
type liteStmt struct {
	*sqlite3.Stmt
	bound []any
	now   time.Time
}

func (c *liteConn) prepare(s *Statement) (*liteStmt, error) {
	if st := c.stmts[s]; st != nil {
		return st, nil
	}
	st, _, err := c.conn.PrepareFlags(s.lite, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", s.lite, err)
	}
	c.stmts[s] = &liteStmt{Stmt: st, bound: make([]any, min(st.BindCount(), len(s.cols)))}
	return c.stmts[s], nil
}

// same reports whether a parameter holds v already. Bytes are bound anew: their owner may have changed them.
func same(bound, v any) bool {
	switch v := v.(type) {
	case string:
		b, ok := bound.(string)
		return ok && b == v
	case id.ID:
		b, ok := bound.(id.ID)
		return ok && b == v
	case int:
		b, ok := bound.(int)
		return ok && b == v
	case bool:
		b, ok := bound.(bool)
		return ok && b == v
	case time.Time:
		b, ok := bound.(time.Time)
		return ok && b.Equal(v)
	default:
		return false
	}
}

// close gives the prepared statements back, without which the connection does not close.
func (c *liteConn) close() error {
	var errs []error
	for s, st := range c.stmts {
		errs = append(errs, st.Close())
		delete(c.stmts, s)
	}
	return errors.Join(errs...)
}

func (c *liteConn) run(ops []op, now time.Time) error {
	for _, o := range ops {
		st, err := c.prepare(o.stmt)
		if err != nil {
			return err
		}
		for i := range o.rows.Len() {
			if err := c.row(st, o, o.rows.values[i*o.rows.width:(i+1)*o.rows.width], now); err != nil {
				_ = st.Reset()
				return err
			}
		}
	}
	return nil
}

func (c *liteConn) row(st *liteStmt, o op, values []any, now time.Time) error {
	for i := range st.bound { // the statement may not use the last columns
		if same(st.bound[i], values[i]) {
			continue
		}
		col := o.stmt.cols[i]
		st.bound[i] = nil
		if err := bind(st.Stmt, i+1, col.Type, values[i], now); err != nil {
			return fmt.Errorf("bind %s: %w", col.Name, err)
		}
		st.bound[i] = values[i]
	}
	if o.stmt.dated && !st.now.Equal(now) {
		if err := st.BindInt64(len(o.stmt.cols)+1, now.UnixMicro()); err != nil {
			return fmt.Errorf("bind now: %w", err)
		}
		st.now = now
	}
	for st.Step() {
		if o.scan == nil {
			continue
		}
		if err := o.scan(liteRow{st.Stmt}); err != nil {
			return err
		}
	}
	if err := st.Reset(); err != nil {
		return fmt.Errorf("run %q: %w", o.stmt.lite, err)
	}
	if o.stmt.echo == nil || o.scan == nil {
		return nil
	}
	for range c.conn.Changes() {
		if err := o.scan(echoRow{o.stmt.echo, values, c.conn.LastInsertRowID()}); err != nil {
			return err
		}
	}
	return nil
}

// echoRow is what a statement returns: values that it was given, and the number of a new row.
type echoRow struct {
	columns []int
	values  []any
	number  int64
}

func (r echoRow) Scan(dest ...any) error {
	for i, d := range dest {
		var from any = r.number
		if c := r.columns[i]; c != numberedKey {
			from = r.values[c]
		}
		if err := assign(d, from); err != nil {
			return err
		}
	}
	return nil
}

func assign(dest, from any) error {
	switch d := dest.(type) {
	case *id.ID:
		if v, ok := from.(id.ID); ok {
			*d = v
			return nil
		}
	case *string:
		if v, ok := from.(string); ok {
			*d = v
			return nil
		}
	case *int:
		switch v := from.(type) {
		case int:
			*d = v
			return nil
		case int64:
			*d = int(v)
			return nil
		}
	case *int64:
		switch v := from.(type) {
		case int:
			*d = int64(v)
			return nil
		case int64:
			*d = v
			return nil
		}
	}
	return fmt.Errorf("no way to read a %T into a %T", from, dest)
}

func bind(st *sqlite3.Stmt, i int, t Type, v any, now time.Time) error {
	switch v := v.(type) {
	case nil:
		return st.BindNull(i)
	case id.ID:
		if v.IsZero() && t != Key {
			return st.BindNull(i)
		}
		return st.BindBlob(i, v[:])
	case string:
		if v == "" && (t == TextNull || t == Document) {
			return st.BindNull(i)
		}
		return st.BindText(i, v)
	case []byte:
		return bindBytes(st, i, t, v)
	case json.RawMessage:
		return bindBytes(st, i, t, v)
	case int:
		return st.BindInt64(i, int64(v))
	case int64:
		return st.BindInt64(i, v)
	case bool:
		return st.BindBool(i, v)
	case time.Time:
		if v.IsZero() {
			return st.BindNull(i)
		}
		return st.BindInt64(i, v.UnixMicro())
	case time.Duration:
		return st.BindInt64(i, now.Add(v).UnixMicro())
	default:
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.String {
			return st.BindText(i, rv.String())
		}
		return fmt.Errorf("no way to store a %T", v)
	}
}

func bindBytes(st *sqlite3.Stmt, i int, t Type, v []byte) error {
	switch {
	case t == Document && len(v) == 0, v == nil:
		return st.BindNull(i)
	case t == Document:
		return st.BindRawText(i, v)
	default:
		return st.BindBlob(i, v)
	}
}

type liteRow struct{ st *sqlite3.Stmt }

func (r liteRow) Scan(dest ...any) error {
	for i, d := range dest {
		null := r.st.ColumnType(i) == sqlite3.NULL
		switch d := d.(type) {
		case *id.ID:
			*d = id.ID{}
			if !null {
				copy(d[:], r.st.ColumnRawBlob(i))
			}
		case *string:
			*d = r.st.ColumnText(i)
		case *int64:
			*d = r.st.ColumnInt64(i)
		case *int:
			*d = r.st.ColumnInt(i)
		case *bool:
			*d = r.st.ColumnBool(i)
		case *time.Time:
			*d = time.Time{}
			if !null {
				*d = time.UnixMicro(r.st.ColumnInt64(i)).UTC()
			}
		case *[]byte:
			*d = nil
			if !null {
				*d = append([]byte{}, r.st.ColumnRawBlob(i)...)
			}
		case *json.RawMessage:
			*d = nil
			if !null {
				*d = append(json.RawMessage{}, r.st.ColumnRawText(i)...)
			}
		default:
			rv := reflect.ValueOf(d)
			if rv.Kind() != reflect.Pointer || rv.Elem().Kind() != reflect.String {
				return fmt.Errorf("no way to read a %T", d)
			}
			rv.Elem().SetString(r.st.ColumnText(i))
		}
	}
	return nil
}
