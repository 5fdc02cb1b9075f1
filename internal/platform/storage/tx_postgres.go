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
