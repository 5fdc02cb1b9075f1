package retention

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// sweep is how one table is gone through, by its key. Conditions are SQL about the row x.
type sweep struct {
	name  string // in floors and errors
	table string
	key   string
	until func(limits) time.Time // only rows that were made before
	over  func(dry bool) string  // it may go. A dry run has left in place what goes before it
	done  string                 // it has gone already; "": rows that have gone are not there
	rows  string                 // how many rows go with it, as a number
	// remove removes rows that are locked and that may go; it returns those that it leaves after all.
	remove func(ctx context.Context, p *pass, keys []id.ID) (left []id.ID, err error)
	// large removes what belongs to a row that has more than fits into a transaction, in several; nil: no row has.
	large func(ctx context.Context, p *pass, c candidate) error
	// whole goes through the whole table each time: rows that were looked at may have something to remove later.
	whole bool
}

// What a sweep finds of a row.
const (
	stays = iota
	goes
	gone
)

// candidate is a row that a sweep comes to.
type candidate struct {
	ID    id.ID
	N     int64 // rows that go with it
	State int
}

// sweep goes through a table from where the last time found nothing left.
func (p *pass) sweep(ctx context.Context, sw sweep) error {
	until := sw.until(p.lim)
	if until.IsZero() {
		return nil
	}
	at := p.s.floor(sw)
	floor, bound, stuck := at, id.Before(until), false
	for {
		watch := clock.Start()
		page, err := p.page(ctx, sw, at, bound)
		if err != nil {
			return err
		}
		if err := p.pause(ctx, watch.Elapsed()); err != nil {
			return err
		}
		left, err := p.removeAll(ctx, sw, page)
		if err != nil {
			return err
		}
		for _, c := range page {
			stuck = stuck || c.State == stays || left[c.ID]
			if at = c.ID; !stuck {
				floor = at
			}
		}
		if len(page) < most {
			break
		}
	}
	if !p.dry {
		p.s.setFloor(sw, floor)
	}
	return nil
}

func (s *Service) floor(sw sweep) id.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sw.whole {
		return id.ID{}
	}
	return s.floors[sw.name]
}

func (s *Service) setFloor(sw sweep, to id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floors[sw.name] = to
}

// page looks at the next rows, whatever becomes of them: a statement that looked for some to remove could read all that stays.
func (p *pass) page(ctx context.Context, sw sweep, after, bound id.ID) ([]candidate, error) {
	var rows []candidate
	args := p.args(nil)
	args["after"], args["bound"], args["most"] = after[:], bound[:], most
	look := func(ctx context.Context) error {
		return p.s.db.Read(ctx).Raw(sw.pageSQL(p.dry), args).Scan(&rows).Error
	}
	if p.s.db.Engine() == storage.Postgres {
		look = func(ctx context.Context) error {
			return p.s.db.InTx(ctx, func(ctx context.Context) error {
				db := p.s.db.From(ctx)
				return errors.Join(db.Exec(settings).Error, db.Raw(sw.pageSQL(p.dry), args).Scan(&rows).Error)
			})
		}
	}
	if err := look(ctx); err != nil {
		return nil, fmt.Errorf("look for what is over: %w", storage.Classify(err))
	}
	return rows, nil
}

// settings keep a Postgres transaction from waiting for others for long, and from plans that read a whole table, which are cached while it
// is small.
const settings = `SELECT set_config('lock_timeout', '1s', true), set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true)`

func (sw sweep) pageSQL(dry bool) string {
	done := sw.done
	if done == "" {
		done = "1 = 0"
	}
	return fmt.Sprintf(`SELECT x.%s AS id, %s AS n, CASE WHEN NOT (%s) THEN %d WHEN %s THEN %d ELSE %d END AS state
		FROM %s x WHERE x.tenant_id = @tenant AND x.%s > @after AND x.%s < @bound ORDER BY x.%s LIMIT @most`,
		sw.key, sw.rows, sw.over(dry), stays, done, gone, goes, sw.table, sw.key, sw.key, sw.key)
}

// lockSQL asks once more, in the transaction, and keeps others away. What somebody has in hand is left for the next time.
func (sw sweep) lockSQL(e storage.Engine) string {
	q := fmt.Sprintf(`SELECT x.%s AS id FROM %s x WHERE x.%s IN @keys AND x.tenant_id = @tenant AND %s`, sw.key, sw.table, sw.key, sw.over(false))
	return q + locked(e, "x")
}

func locked(e storage.Engine, alias string) string {
	if e == storage.Postgres {
		return " FOR UPDATE OF " + alias + " SKIP LOCKED"
	}
	return ""
}

// args are what statements are given; keys may be nil.
func (p *pass) args(keys []id.ID) map[string]any {
	return map[string]any{
		"tenant": p.s.tenant, "keys": keys, "old": p.lim.old, "dead": p.lim.dead, "snapshots": p.lim.snapshots, "boundOld": before(p.lim.old),
	}
}

func before(t time.Time) []byte {
	b := id.Before(t)
	return b[:]
}

// removeAll removes what may go of a page, and returns what stays after all.
func (p *pass) removeAll(ctx context.Context, sw sweep, page []candidate) (map[id.ID]bool, error) {
	left := map[id.ID]bool{}
	for len(page) > 0 {
		var batch []id.ID
		var rows int64
		for len(page) > 0 && (len(batch) == 0 || rows+page[0].N <= int64(p.size)) {
			c := page[0]
			page = page[1:]
			if c.State != goes {
				continue
			}
			if p.dry {
				p.removed[sw.name]++
				continue
			}
			if c.N > most && sw.large != nil {
				if err := sw.large(ctx, p, c); err != nil {
					return nil, err
				}
				c.N = 1
			}
			batch, rows = append(batch, c.ID), rows+c.N
		}
		if len(batch) == 0 {
			continue
		}
		stay, err := p.batch(ctx, sw, batch)
		if err != nil {
			return nil, err
		}
		for _, i := range stay {
			left[i] = true
		}
	}
	return left, nil
}

// batch removes rows in one transaction and returns those that it left.
func (p *pass) batch(ctx context.Context, sw sweep, keys []id.ID) (left []id.ID, err error) {
	return left, p.tx(ctx, func(ctx context.Context) error {
		var held []id.ID
		err := p.s.db.From(ctx).Raw(sw.lockSQL(p.s.db.Engine()), p.args(keys)).Scan(&held).Error
		if err != nil {
			return fmt.Errorf("lock what is over: %w", storage.Classify(err))
		}
		left = without(keys, held)
		if len(held) == 0 {
			return nil
		}
		more, err := sw.remove(ctx, p, held)
		left = append(left, more...)
		return err
	})
}

// without returns the keys of all that are not in some.
func without(all, some []id.ID) []id.ID {
	in := make(map[id.ID]bool, len(some))
	for _, i := range some {
		in[i] = true
	}
	var out []id.ID
	for _, i := range all {
		if !in[i] {
			out = append(out, i)
		}
	}
	return out
}

// tx runs fn in a transaction, counts what it removed, and rests.
func (p *pass) tx(ctx context.Context, fn func(ctx context.Context) error) error {
	var watch clock.Stopwatch
	err := p.s.db.InTx(ctx, func(ctx context.Context) error {
		watch = clock.Start() // not before: waiting for the writer is no work
		p.fresh = map[string]int64{}
		if p.s.db.Engine() == storage.Postgres {
			if err := p.s.db.From(ctx).Exec(settings).Error; err != nil {
				return fmt.Errorf("set a limit for waiting: %w", storage.Classify(err))
			}
		}
		if err := fn(ctx); err != nil {
			return err
		}
		return p.note(ctx)
	})
	if err != nil {
		return err
	}
	for table, n := range p.fresh {
		p.removed[table] += n
		p.total[table] += n
	}
	took := watch.Elapsed()
	switch {
	case took > long(p.s.db.Engine()):
		p.size = max(least, p.size/2)
	default:
		p.size = min(most, p.size+p.size/4)
	}
	return p.pause(ctx, took)
}

// note writes how much was removed, in the transaction that does.
func (p *pass) note(ctx context.Context) error {
	if len(p.fresh) == 0 {
		return nil
	}
	removed, total := map[string]int64{}, map[string]int64{}
	for _, c := range []struct{ to, from map[string]int64 }{{removed, p.removed}, {total, p.total}, {removed, p.fresh}, {total, p.fresh}} {
		for table, n := range c.from {
			c.to[table] += n
		}
	}
	err := p.s.db.From(ctx).Exec("UPDATE prunes SET removed = ?, total = ? WHERE tenant_id = ?", encode(removed), encode(total), p.s.tenant).Error
	if err != nil {
		return fmt.Errorf("note what was removed: %w", storage.Classify(err))
	}
	return nil
}

// exec runs a statement and counts its rows as removed from table.
func (p *pass) exec(ctx context.Context, table, sql string, args map[string]any) (int64, error) {
	res := p.s.db.From(ctx).Exec(sql, args)
	if res.Error != nil {
		return 0, fmt.Errorf("remove from %s: %w", table, storage.Classify(res.Error))
	}
	p.count(table, res.RowsAffected)
	return res.RowsAffected, nil
}

func (p *pass) count(table string, n int64) {
	if n > 0 {
		p.fresh[table] += n
	}
}

// removal is a statement that removes rows of a table.
type removal struct{ table, sql string }

func (p *pass) each(ctx context.Context, args map[string]any, list ...removal) error {
	for _, r := range list {
		if _, err := p.exec(ctx, r.table, r.sql, args); err != nil {
			return err
		}
	}
	return nil
}

// pause leaves the database to others.
func (p *pass) pause(ctx context.Context, worked time.Duration) error {
	return clock.Sleep(ctx, max(minRest, rest*worked))
}

// all joins conditions.
func all(conditions ...string) string { return strings.Join(conditions, "\n\t\tAND ") }
