package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// QueueOptions tune one class of hot-path work.
type QueueOptions struct {
	Name string
	// Max is the largest batch.
	Max int
	// MaxWeight is the most that the items of a batch with more than one may weigh together, when they are Weighed; 0: any.
	MaxWeight int
	// Workers is the number of batches under way at once on Postgres; SQLite has one writer for all classes.
	Workers int
	// Linger is how long a batch that is not full waits for company; 0 commits as soon as the writer is idle.
	Linger time.Duration
	// Share, when set, says how many of the items that wait the next batch may have, for the sake of other classes; 0 asks again a
	// little later. It must be quick.
	Share func(waiting int) int
}

// Weighed items are not all alike: what they weigh bounds a batch as well as their number does.
type Weighed interface{ Weight() int }

// shareWait is how long a class that has no share waits.
const shareWait = time.Millisecond

// Queue folds items that arrive together into one transaction (group commit). An item's caller hears of it only after the
// commit. A batch that fails is done again item by item, so a bad item costs only itself.
type Queue[T any] struct {
	db    *DB
	opt   QueueOptions
	apply func(tx *Tx, items []T) error
	wake  chan struct{}

	mu     sync.Mutex
	items  []entry[T]
	oldest time.Time
	closed bool
	wg     sync.WaitGroup
}

type entry[T any] struct {
	item T
	done func(error)
}

// NewQueue starts a class of work. On SQLite classes share one transaction per turn, in the order they were made. apply may be
// called again with the same items when a transaction had to be repeated: it must reset whatever it keeps in them.
func NewQueue[T any](db *DB, opt QueueOptions, apply func(tx *Tx, items []T) error) *Queue[T] {
	q := &Queue[T]{db: db, opt: opt, apply: apply, wake: make(chan struct{}, max(opt.Workers, 1))}
	if db.lite != nil {
		db.lite.register(q)
		return q
	}
	for range max(opt.Workers, 1) {
		q.wg.Go(q.work)
	}
	return q
}

// Submit hands over an item; done is called once, after its commit or with the reason why there was none. done runs on the
// writer and must be quick.
func (q *Queue[T]) Submit(item T, done func(error)) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		done(fmt.Errorf("%w: %w", ErrUnavailable, errStopped))
		return
	}
	if len(q.items) == 0 && q.opt.Linger > 0 {
		q.oldest = q.db.Now()
	}
	q.items = append(q.items, entry[T]{item, done})
	q.mu.Unlock()
	q.signal()
}

// Do hands over an item and waits for its commit. When ctx ends first the item may still be committed: it is not to be looked at then.
func (q *Queue[T]) Do(ctx context.Context, item T) error {
	return q.DoThen(ctx, item, func(error) {})
}

// DoThen is Do for what has to follow the commit, or its failure, whether anybody waits for it or not. then must not block.
func (q *Queue[T]) DoThen(ctx context.Context, item T, then func(error)) error {
	ch := make(chan error, 1)
	q.Submit(item, func(err error) {
		then(err)
		ch <- err
	})
	select {
	case err := <-ch:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit: %w", ctx.Err())
	}
}

// Len is the number of items that wait.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// Stop refuses new items, finishes those that wait, and returns when they are done. It may be called again.
func (q *Queue[T]) Stop() {
	q.mu.Lock()
	again := q.closed
	q.closed = true
	q.mu.Unlock()
	if again {
		return
	}
	if q.db.lite != nil {
		q.db.lite.drain(q)
		return
	}
	close(q.wake)
	q.wg.Wait()
}

func (q *Queue[T]) signal() {
	if q.db.lite != nil {
		q.db.lite.signal()
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes the next batch; nil with a wait means that it should get older first.
func (q *Queue[T]) take() (work, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return nil, 0
	}
	if q.opt.Linger > 0 && len(q.items) < q.opt.Max && !q.closed {
		if wait := q.opt.Linger - q.db.Now().Sub(q.oldest); wait > 0 {
			return nil, wait
		}
	}
	n := min(len(q.items), q.opt.Max)
	if q.opt.Share != nil {
		if n = min(n, q.opt.Share(n)); n <= 0 {
			return nil, shareWait
		}
	}
	n = q.bounded(n)
	b := &batch[T]{apply: q.apply, entries: q.items[:n:n]}
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil
	}
	if q.opt.Linger > 0 {
		q.oldest = q.db.Now()
	}
	return b, 0
}

// bounded is how many of the first n items are not too much for one batch.
func (q *Queue[T]) bounded(n int) int {
	if q.opt.MaxWeight == 0 {
		return n
	}
	total := 0
	for i := range n {
		w, ok := any(q.items[i].item).(Weighed)
		if !ok {
			return n
		}
		if total += w.Weight(); total > q.opt.MaxWeight {
			return max(1, i)
		}
	}
	return n
}

// work is a batch of any class, as the writers see it.
type work interface {
	size() int
	do(tx *Tx, from, to int) error
	finish(i int, err error)
}

type batch[T any] struct {
	apply   func(tx *Tx, items []T) error
	entries []entry[T]
}

func (b *batch[T]) size() int { return len(b.entries) }

func (b *batch[T]) do(tx *Tx, from, to int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	items := make([]T, 0, to-from)
	for _, e := range b.entries[from:to] {
		items = append(items, e.item)
	}
	return b.apply(tx, items)
}

// finish tells a member its end and lets go of it: the queue may keep the memory behind entries for long.
func (b *batch[T]) finish(i int, err error) {
	done := b.entries[i].done
	b.entries[i] = entry[T]{}
	done(Classify(err))
}

// finishAll gives every member the same end.
func finishAll(w work, err error) {
	for i := range w.size() {
		w.finish(i, err)
	}
}

func hopeless(err error) bool { return errors.Is(Classify(err), ErrUnavailable) }
