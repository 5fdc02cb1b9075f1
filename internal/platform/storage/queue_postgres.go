package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tries is how often a Postgres transaction that lost against another one is begun.
const tries = 4

// planChanged is the SQLSTATE of a prepared statement that a migration has overtaken: the next connection prepares it anew.
const planChanged = "0A000"

// work is one committer: it takes what waits, commits it, and takes what arrived meanwhile.
func (q *Queue[T]) work() {
	for range q.wake {
		q.drainOnce()
	}
	q.drainOnce()
}

func (q *Queue[T]) drainOnce() {
	for {
		w, wait := q.take()
		if w != nil {
			q.run(w)
			continue
		}
		if wait <= 0 {
			return
		}
		<-time.After(wait)
	}
}

func (q *Queue[T]) run(w work) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := q.db.hotTx(ctx, func(tx *Tx) error { return w.do(tx, 0, w.size()) })
	q.db.failing.Store(hopeless(err))
	if err == nil || w.size() == 1 || hopeless(err) {
		finishAll(w, err)
		return
	}
	for i := range w.size() {
		w.finish(i, q.db.hotTx(ctx, func(tx *Tx) error { return w.do(tx, i, i+1) }))
	}
}

func (d *DB) hotTx(ctx context.Context, fn func(tx *Tx) error) error {
	for n := 1; ; n++ {
		err := d.hotOnce(ctx, fn)
		if err == nil || n == tries || !again(err) {
			return err
		}
	}
}

func (d *DB) hotOnce(ctx context.Context, fn func(tx *Tx) error) error {
	conn, err := d.hot.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("%w: connect: %w", ErrUnavailable, err)
	}
	defer conn.Release()
	p := &pgTx{conn: conn.Conn()}
	tx := &Tx{ctx: ctx, now: d.Now()}
	tx.send = func(ops []op) error { return p.run(ctx, ops, false) }
	err = fn(tx)
	if err == nil {
		err = p.run(ctx, tx.queue, true)
	}
	if fault := (&pgconn.PgError{}); errors.As(err, &fault) && fault.Code == planChanged {
		_ = conn.Conn().Close(ctx)
	}
	if err != nil && p.begun && !conn.Conn().IsClosed() {
		rollback(conn) //nolint:contextcheck // ctx may be what ended the transaction
	}
	return err
}

func rollback(conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = conn.Conn().Close(ctx)
	}
}
