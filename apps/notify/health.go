package notify

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"gorm.io/gorm/clause"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Limits of a channel's health.
const (
	failsFrom   = httpclient.DefaultFailures // tries in a row that make a channel a failing one; a delivery that is given up does at once
	healthEvery = 2 * time.Second
)

// health knows which channels tell nobody. Sending only counts in memory; what has changed is written every healthEvery. Every process does
// so for what it sends, and each takes a row away when a message has gone through.
type health struct {
	db      *storage.DB
	clock   clock.Clock
	log     *slog.Logger
	breaker *httpclient.Breaker

	mu       sync.Mutex
	failing  map[id.ID]*failingChannel
	worked   map[id.ID]bool // whose rows go
	known    map[id.ID]bool // that have a row, as of the last look
	attempts map[attemptKey]int64
	dead     map[id.ID]int64

	end context.CancelFunc
	wg  sync.WaitGroup
}

type attemptKey struct {
	channel id.ID
	verdict channel.Verdict
}

// failingChannel is a channel whose last try failed.
type failingChannel struct {
	Trouble
	row   bool // it has a row, or will
	fresh bool // since the last write
}

func newHealth(db *storage.DB, clk clock.Clock, log *slog.Logger, b *httpclient.Breaker) *health {
	return &health{
		db: db, clock: clk, log: log, breaker: b, failing: map[id.ID]*failingChannel{}, worked: map[id.ID]bool{}, known: map[id.ID]bool{},
		attempts: map[attemptKey]int64{}, dead: map[id.ID]int64{},
	}
}

// tried notes what became of an attempt.
func (h *health) tried(tenant string, o *outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts[attemptKey{o.channel, o.result.Verdict}]++
	switch o.result.Verdict {
	case channel.Done:
		h.well(o.channel)
	case channel.Retry, channel.Permanent:
		h.failed(tenant, o, o.result.Error, 1)
	case channel.Dropped:
	}
}

// gaveUp notes a delivery that was given up without another try.
func (h *health) gaveUp(tenant string, o *outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed(tenant, o, "", 0)
}

// took notes that a channel takes messages.
func (h *health) took(ch id.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.well(ch)
}

func (h *health) well(ch id.ID) {
	if f := h.failing[ch]; f != nil && f.row || h.known[ch] {
		h.worked[ch] = true
	}
	delete(h.failing, ch)
}

func (h *health) failed(tenant string, o *outcome, why string, tries int64) {
	f := h.failing[o.channel]
	if f == nil {
		f = &failingChannel{Trouble: Trouble{ChannelID: o.channel, TenantID: tenant, Since: o.at}}
		h.failing[o.channel] = f
	}
	f.LastAt, f.fresh = o.at, true
	f.Tries += tries
	if why != "" {
		f.Error = line(why, maxLine)
	}
	if o.state == event.StateDead {
		f.Dead++
		h.dead[o.channel]++
	}
	f.row = f.row || f.Dead > 0 || f.Tries >= failsFrom
}

// start begins to write.
func (h *health) start() {
	ctx, end := context.WithCancel(context.Background())
	h.end = end
	h.wg.Go(func() {
		for clock.Sleep(ctx, healthEvery) == nil {
			h.write(ctx)
		}
	})
}

// stop ends writing, after what is known has been written.
func (h *health) stop(ctx context.Context) {
	if h.end == nil {
		return
	}
	h.end()
	h.wg.Wait()
	h.write(ctx)
}

// write stores what has changed, and looks which channels fail by what others say.
func (h *health) write(ctx context.Context) {
	rows, gone := h.changed()
	err := h.store(ctx, rows, gone)
	known := map[id.ID]bool{}
	var ids []id.ID
	if err == nil {
		err = h.db.Read(ctx).Model(&Trouble{}).Pluck("channel_id", &ids).Error
	}
	for _, i := range ids {
		known[i] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.keep(rows, gone)
		if ctx.Err() == nil {
			h.log.DebugContext(ctx, "write which channels fail", "error", err)
		}
		return
	}
	h.known = known
	for ch, f := range h.failing { // somebody has taken the row away: new settings, or a message that another process brought there
		if f.row && !f.fresh && !known[ch] {
			delete(h.failing, ch)
		}
	}
}

// changed takes what is to be written.
func (h *health) changed() (rows []Trouble, gone []id.ID) {
	open := map[string]time.Duration{}
	for _, c := range h.breaker.States() {
		if c.State == httpclient.StateOpen {
			open[c.Destination] = c.OpenFor
		}
	}
	now := h.clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.worked {
		gone = append(gone, ch)
	}
	clear(h.worked)
	for _, f := range h.failing {
		if !f.row || !f.fresh {
			continue
		}
		f.Until = nil
		if left, is := open[f.ChannelID.String()]; is {
			until := now.Add(left)
			f.Until = &until
		}
		rows = append(rows, f.Trouble)
		f.fresh, f.Tries, f.Dead = false, 0, 0 // the row has them
	}
	return rows, gone
}

// keep takes back what could not be written; the lock is held.
func (h *health) keep(rows []Trouble, gone []id.ID) {
	for _, r := range rows {
		if f := h.failing[r.ChannelID]; f != nil {
			f.Tries, f.Dead, f.fresh = f.Tries+r.Tries, f.Dead+r.Dead, true
		}
	}
	for _, ch := range gone {
		h.worked[ch] = true
	}
}

func (h *health) store(ctx context.Context, rows []Trouble, gone []id.ID) error {
	if len(rows)+len(gone) == 0 {
		return nil
	}
	err := h.db.InTx(ctx, func(ctx context.Context) error {
		db := h.db.From(ctx)
		if len(gone) > 0 {
			if err := db.Where("channel_id IN ?", gone).Delete(&Trouble{}).Error; err != nil {
				return err
			}
		}
		for _, r := range rows {
			if err := db.Clauses(addTrouble).Create(&r).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store which channels fail: %w", storage.Classify(err))
	}
	return nil
}

// addTrouble adds to what other processes, or this one before, have found.
var addTrouble = clause.OnConflict{
	Columns: []clause.Column{{Name: "channel_id"}},
	DoUpdates: clause.Assignments(map[string]any{
		"last_at": clause.Expr{SQL: "excluded.last_at"}, "until": clause.Expr{SQL: "excluded.until"},
		"error": clause.Expr{SQL: "CASE WHEN excluded.error = '' THEN channel_troubles.error ELSE excluded.error END"},
		"tries": clause.Expr{SQL: "channel_troubles.tries + excluded.tries"}, "dead": clause.Expr{SQL: "channel_troubles.dead + excluded.dead"},
	}),
}

// ChannelFigures are what this process knows of an active channel.
type ChannelFigures struct {
	Tenant, Name, Driver string
	Attempts             map[channel.Verdict]int64
	Dead                 int64 // deliveries that it gave up
	Open                 bool  // it is left alone for the moment
	Failing              bool  // by what any process has found
}

// Figures counts since the process began, by active channel.
func (s *Service) Figures() []ChannelFigures {
	h, open := s.Sender.health, map[string]bool{}
	for _, c := range s.Sender.breaker.States() {
		open[c.Destination] = c.State == httpclient.StateOpen
	}
	h.mu.Lock()
	attempts, dead, known := maps.Clone(h.attempts), maps.Clone(h.dead), h.known
	h.mu.Unlock()
	var out []ChannelFigures
	for ch, l := range s.Sender.channels.now.Load().byID {
		if l.Spec.Local {
			continue
		}
		f := ChannelFigures{Tenant: l.Tenant, Name: l.Name, Driver: l.Driver, Dead: dead[ch], Open: open[ch.String()], Failing: known[ch], Attempts: map[channel.Verdict]int64{}}
		for _, v := range []channel.Verdict{channel.Done, channel.Retry, channel.Permanent, channel.Dropped} {
			f.Attempts[v] = attempts[attemptKey{ch, v}]
		}
		out = append(out, f)
	}
	return out
}
