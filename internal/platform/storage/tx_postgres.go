package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// pgTx sends queued statements as pipelined batches. A transaction of one batch needs no BEGIN and COMMIT of its own: the
// pipeline up to its Sync is one transaction (PostgreSQL manual, "Pipelining").
//
// It works on pgconn, a layer below pgx: the parameters are a few large arrays, and building them value by value through pgx's type map
// cost a sixth of the hub's CPU.
type pgTx struct {
	conn  *pgx.Conn
	begun bool
}

// binaryFormat is the format of every parameter and every result.
var binaryFormat = []int16{pgx.BinaryFormatCode}

func (p *pgTx) run(ctx context.Context, ops []op, last bool) error {
	begin, commit := !p.begun && !last, p.begun && last
	if len(ops) == 0 && !begin && !commit {
		return nil
	}
	var statements []*pgconn.StatementDescription
	prepare := func(sql string) error {
		s, err := p.conn.Prepare(ctx, sql, sql)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", sql, err)
		}
		statements = append(statements, s)
		return nil
	}
	if begin {
		if err := prepare("BEGIN"); err != nil {
			return err
		}
	}
	for _, o := range ops {
		if err := prepare(o.stmt.pg); err != nil {
			return err
		}
	}
	if commit {
		if err := prepare("COMMIT"); err != nil {
			return err
		}
	}
	e := encoders.Get().(*encoder) //nolint:forcetypeassert // nothing else is put in
	defer encoders.Put(e)
	if err := e.encode(ops); err != nil {
		return err
	}
	pl := p.conn.PgConn().StartPipeline(ctx)
	p.conn.PgConn().Frontend().Send(room(len(e.buf) + 256*len(statements)))
	params := e.params
	for _, s := range statements {
		n := len(s.ParamOIDs)
		pl.SendQueryStatement(s, params[:n], binaryFormat, binaryFormat)
		params = params[n:]
	}
	p.begun = p.begun || begin
	err := pl.Sync()
	if err == nil {
		err = p.read(pl, ops, begin, commit)
	}
	if cerr := pl.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("finish the batch: %w", cerr)
	}
	if err == nil && commit {
		p.begun = false
	}
	return err
}

// room makes the send buffer large enough for what follows, at once: it would grow by steps, copying all of it each time.
type room int

// Encode implements pgproto3.FrontendMessage. It adds nothing.
func (r room) Encode(dst []byte) ([]byte, error) {
	out := make([]byte, len(dst), len(dst)+int(r))
	copy(out, dst)
	return out, nil
}

// Decode implements pgproto3.FrontendMessage.
func (room) Decode([]byte) error { return errors.New("nothing to decode") }

// Frontend implements pgproto3.FrontendMessage.
func (room) Frontend() {}

var _ pgproto3.FrontendMessage = room(0)

func (p *pgTx) read(pl *pgconn.Pipeline, ops []op, begin, commit bool) error {
	if begin {
		if _, err := p.next(pl, nil); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
	}
	for _, o := range ops {
		if _, err := p.next(pl, o.scan); err != nil {
			return fmt.Errorf("run %q: %w", o.stmt.pg, err)
		}
	}
	if commit {
		tag, err := p.next(pl, nil)
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if tag.String() != "COMMIT" {
			return errors.New("commit: the transaction was rolled back")
		}
	}
	return nil
}

// next reads the answer to one statement.
func (p *pgTx) next(pl *pgconn.Pipeline, scan func(Row) error) (pgconn.CommandTag, error) {
	res, err := pl.GetResults()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows, ok := res.(*pgconn.ResultReader)
	if !ok {
		return pgconn.CommandTag{}, fmt.Errorf("the database answered out of order: %T", res)
	}
	var failed error
	for rows.NextRow() {
		if scan != nil && failed == nil {
			failed = scan(pgRow(rows.Values()))
		}
	}
	tag, err := rows.Close()
	if failed != nil {
		return tag, failed
	}
	return tag, err
}
