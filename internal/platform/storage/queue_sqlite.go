package storage

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// liteLoop is SQLite's one hot-path writer. Each turn takes a batch of every class into one BEGIN IMMEDIATE .. COMMIT, so that
// one fsync serves them all. It borrows gorm's writer connection for the turn, so the two never wait for a file lock.
type liteLoop struct {
	db   *DB
	pool *sql.DB
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	mu     sync.Mutex
	queues []taker
	once   sync.Once
	conn   liteConn
	room   roomKeeper
}

type taker interface {
	take() (work, time.Duration)
	Len() int
}

func newLiteLoop(db *DB, pool *sql.DB) *liteLoop {
	l := &liteLoop{db: db, pool: pool, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	l.room.path = db.url
	go l.loop()
	return l
}

func (l *liteLoop) register(q taker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queues = append(l.queues, q)
}

func (l *liteLoop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// drain waits until a closed queue is empty and its last turn over.
func (l *liteLoop) drain(q taker) {
	for {
		l.signal()
		if q.Len() == 0 {
			break
		}
		select {
		case <-l.done:
			return
		case <-time.After(time.Millisecond):
		}
	}
	// The last batch may still be in its turn: a turn later it is not.
	_ = l.do(context.Background(), func(*sqlite3.Conn) error { return nil })
}

func (l *liteLoop) close() {
	l.once.Do(func() { close(l.stop) })
	<-l.done
}

func (l *liteLoop) loop() {
	defer close(l.done)
	var timer <-chan time.Time
	for {
		select {
		case <-l.wake:
		case <-timer:
		case <-l.stop:
			l.turn()
			_ = l.do(context.Background(), func(*sqlite3.Conn) error { return l.conn.close() })
			return
		}
		timer = nil
		for {
			wait, busy := l.turn()
			if wait > 0 {
				timer = time.After(wait)
			}
			if !busy {
				break
			}
		}
	}
}

// turn runs one transaction over what waits. wait is the shortest time that a lingering class asks for.
func (l *liteLoop) turn() (wait time.Duration, busy bool) {
	l.mu.Lock()
	queues := l.queues
	l.mu.Unlock()
	var works []work
	for _, q := range queues {
		w, d := q.take()
		if w != nil {
			works = append(works, w)
		} else if d > 0 && (wait == 0 || d < wait) {
			wait = d
		}
	}
	if len(works) == 0 {
		return wait, false
	}
	errs := make([][]error, len(works))
	for i, w := range works {
		errs[i] = make([]error, w.size())
	}
	err := l.do(context.Background(), func(c *sqlite3.Conn) error { return l.commit(c, works, errs) })
	l.db.failing.Store(hopeless(err))
	for i, w := range works {
		for j := range w.size() {
			if err != nil {
				errs[i][j] = err
			}
			if hopeless(errs[i][j]) {
				l.db.failing.Store(true)
			}
			w.finish(j, errs[i][j])
		}
	}
	if l.room.crowded(err == nil) {
		l.makeRoom()
	}
	return wait, true
}

func (l *liteLoop) do(ctx context.Context, fn func(*sqlite3.Conn) error) error {
	c, err := l.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("borrow the writer connection: %w", err)
	}
	defer c.Close()
	return rawConn(c, fn)
}

func (l *liteLoop) commit(c *sqlite3.Conn, works []work, errs [][]error) error {
	if l.conn.conn != c {
		l.conn = liteConn{conn: c, stmts: map[*Statement]*liteStmt{}}
	}
	if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if l.plain(c, works) == nil {
		return l.end(c)
	}
	// Something went wrong: all of it again, with a savepoint for each class, so that a bad row costs only itself.
	if !c.GetAutocommit() {
		if err := c.Exec("ROLLBACK"); err != nil {
			return fmt.Errorf("roll back: %w", err)
		}
	}
	if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for i, w := range works {
		err := l.member(c, w, 0, w.size())
		switch {
		case err == nil:
		case w.size() == 1 || hopeless(err):
			for j := range errs[i] {
				errs[i][j] = err
			}
		default:
			for j := range errs[i] {
				if c.GetAutocommit() {
					break
				}
				errs[i][j] = l.member(c, w, j, j+1)
			}
		}
		// SQLite gives a transaction up by itself when the disk is full or fails. Nothing of it is stored then, and a savepoint
		// would begin, and commit, one of its own.
		if c.GetAutocommit() {
			return fmt.Errorf("%w: the transaction was rolled back: %w", ErrUnavailable, err)
		}
	}
	return l.end(c)
}

func (l *liteLoop) end(c *sqlite3.Conn) error {
	if err := c.Exec("COMMIT"); err != nil {
		_ = c.Exec("ROLLBACK")
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// plain does the work of a turn without savepoints, which cost a copy of every page that is touched again.
func (l *liteLoop) plain(c *sqlite3.Conn, works []work) error {
	for _, w := range works {
		now := l.db.Now()
		tx := &Tx{ctx: context.Background(), now: now, send: func(ops []op) error { return l.conn.run(ops, now) }}
		if err := w.do(tx, 0, w.size()); err != nil {
			return err
		}
		if err := tx.Flush(); err != nil {
			return err
		}
	}
	if c.GetAutocommit() {
		return ErrUnavailable
	}
	return nil
}

func (l *liteLoop) member(c *sqlite3.Conn, w work, from, to int) error {
	if err := c.Exec("SAVEPOINT member"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	now := l.db.Now()
	tx := &Tx{ctx: context.Background(), now: now, send: func(ops []op) error { return l.conn.run(ops, now) }}
	err := w.do(tx, from, to)
	if err == nil {
		err = tx.Flush()
	}
	if err != nil {
		if !c.GetAutocommit() {
			_ = c.Exec("ROLLBACK TO member; RELEASE member")
		}
		return err
	}
	if err := c.Exec("RELEASE member"); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}
