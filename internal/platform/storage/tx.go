package storage

import (
	"context"
	"errors"
	"time"
)

// Row is one row of a query's answer.
type Row interface {
	// Scan copies the columns into *id.ID, *string, *int, *int64, *bool, *time.Time, *[]byte or *json.RawMessage; NULL gives the zero
	// value. Slices are copies.
	Scan(dest ...any) error
}

// Tx is a transaction of the hot path. Statements are queued and sent together by Flush, in one round trip on Postgres;
// whatever is still queued when the work ends is sent with the commit.
type Tx struct {
	ctx   context.Context
	now   time.Time
	queue []op
	send  func(ops []op) error
}

type op struct {
	stmt *Statement
	rows *Rows
	scan func(Row) error
}

// Context bounds the transaction.
func (t *Tx) Context() context.Context { return t.ctx }

// Now is the time that rows written in this transaction carry.
func (t *Tx) Now() time.Time { return t.now }

// Exec queues a statement; empty rows are no statement at all.
func (t *Tx) Exec(s *Statement, rows *Rows) { t.Query(s, rows, nil) }

// Query queues a statement whose answer rows go to scan, in no promised order, when Flush or the commit sends it.
func (t *Tx) Query(s *Statement, rows *Rows, scan func(Row) error) {
	if rows.Len() > 0 {
		t.queue = append(t.queue, op{s, rows, scan})
	}
}

// Flush sends what is queued and runs the scans.
func (t *Tx) Flush() error {
	if len(t.queue) == 0 {
		return nil
	}
	ops := t.queue
	t.queue = nil
	return t.send(ops)
}

var errStopped = errors.New("the writer has stopped")
