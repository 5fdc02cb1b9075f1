package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// pgTx sends queued statements as pipelined batches. A transaction of one batch needs no BEGIN and COMMIT of its own: the
// pipeline up to its Sync is one transaction (PostgreSQL manual, "Pipelining").
type pgTx struct {
	conn  *pgx.Conn
	begun bool
}

func (p *pgTx) run(ctx context.Context, ops []op, last bool) error {
	b := &pgx.Batch{}
	begin, commit := !p.begun && !last, p.begun && last
	if begin {
		b.Queue("BEGIN")
	}
	for _, o := range ops {
		args, err := arrays(o)
		if err != nil {
			return err
		}
		b.Queue(o.stmt.pg, args...)
	}
	if commit {
		b.Queue("COMMIT")
	}
	if b.Len() == 0 {
		return nil
	}
	p.begun = p.begun || begin
	res := p.conn.SendBatch(ctx, b)
	err := p.read(res, ops, begin, commit)
	if cerr := res.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("finish the batch: %w", cerr)
	}
	if err == nil && commit {
		p.begun = false
	}
	return err
}

func (p *pgTx) read(res pgx.BatchResults, ops []op, begin, commit bool) error {
	if begin {
		if _, err := res.Exec(); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
	}
	for _, o := range ops {
		if err := readOp(res, o); err != nil {
			return fmt.Errorf("run %q: %w", o.stmt.pg, err)
		}
	}
	if commit {
		tag, err := res.Exec()
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if tag.String() != "COMMIT" {
			return errors.New("commit: the transaction was rolled back")
		}
	}
	return nil
}

func readOp(res pgx.BatchResults, o op) error {
	if o.scan == nil {
		_, err := res.Exec()
		return err
	}
	rows, err := res.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := o.scan(pgRow{rows}); err != nil {
			return err
		}
	}
	return rows.Err()
}

func arrays(o op) ([]any, error) {
	n, w := o.rows.Len(), o.rows.width
	out := make([]any, w)
	for c, col := range o.stmt.cols {
		var err error
		if out[c], err = array(col.Type, n, func(i int) any { return o.rows.values[i*w+c] }); err != nil {
			return nil, fmt.Errorf("column %s: %w", col.Name, err)
		}
	}
	return out, nil
}

func array(t Type, n int, at func(int) any) (any, error) {
	switch t {
	case UUID, Key:
		return fill(n, at, func(v id.ID) pgtype.UUID { return pgtype.UUID{Bytes: v, Valid: t == Key || !v.IsZero()} })
	case Text, TextNull, Document:
		out := make([]pgtype.Text, n)
		for i := range out {
			s, ok := text(at(i))
			if !ok {
				return nil, fmt.Errorf("no way to store a %T", at(i))
			}
			out[i] = pgtype.Text{String: s, Valid: at(i) != nil && (t == Text || s != "")}
		}
		return out, nil
	case Int:
		out := make([]pgtype.Int8, n)
		for i := range out {
			switch v := at(i).(type) {
			case int:
				out[i] = pgtype.Int8{Int64: int64(v), Valid: true}
			case int64:
				out[i] = pgtype.Int8{Int64: v, Valid: true}
			default:
				return nil, fmt.Errorf("no way to store a %T", v)
			}
		}
		return out, nil
	case Bool:
		return fill(n, at, func(v bool) bool { return v })
	case Time:
		return fill(n, at, func(v time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: v, Valid: !v.IsZero()} })
	case After:
		return fill(n, at, func(v time.Duration) int64 { return v.Microseconds() })
	default:
		return fill(n, at, func(v []byte) []byte { return v })
	}
}

func fill[T, A any](n int, at func(int) any, conv func(T) A) (any, error) {
	out := make([]A, n)
	for i := range out {
		v, ok := at(i).(T)
		if !ok && at(i) != nil {
			return nil, fmt.Errorf("no way to store a %T", at(i))
		}
		out[i] = conv(v)
	}
	return out, nil
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case []byte:
		return string(v), true
	case json.RawMessage:
		return string(v), true
	default:
		rv := reflect.ValueOf(v)
		return rv.String(), rv.Kind() == reflect.String
	}
}

type pgRow struct{ rows pgx.Rows }

func (r pgRow) Scan(dest ...any) error {
	tmp := make([]any, len(dest))
	for i, d := range dest {
		switch d.(type) {
		case *id.ID:
			tmp[i] = &pgtype.UUID{}
		case *int, *int64:
			tmp[i] = &pgtype.Int8{}
		case *bool:
			tmp[i] = &pgtype.Bool{}
		case *time.Time:
			tmp[i] = &pgtype.Timestamptz{}
		case *[]byte, *json.RawMessage:
			tmp[i] = d
		default:
			tmp[i] = &pgtype.Text{}
		}
	}
	if err := r.rows.Scan(tmp...); err != nil {
		return fmt.Errorf("read a row: %w", err)
	}
	for i, d := range dest {
		switch d := d.(type) {
		case *id.ID:
			*d = tmp[i].(*pgtype.UUID).Bytes //nolint:forcetypeassert // set above
		case *int:
			*d = int(tmp[i].(*pgtype.Int8).Int64) //nolint:forcetypeassert // set above
		case *int64:
			*d = tmp[i].(*pgtype.Int8).Int64 //nolint:forcetypeassert // set above
		case *bool:
			*d = tmp[i].(*pgtype.Bool).Bool //nolint:forcetypeassert // set above
		case *time.Time:
			*d = tmp[i].(*pgtype.Timestamptz).Time.UTC() //nolint:forcetypeassert // set above
			if !tmp[i].(*pgtype.Timestamptz).Valid {     //nolint:forcetypeassert // set above
				*d = time.Time{}
			}
		case *[]byte, *json.RawMessage:
		default:
			reflect.ValueOf(d).Elem().SetString(tmp[i].(*pgtype.Text).String) //nolint:forcetypeassert // set above
		}
	}
	return nil
}
