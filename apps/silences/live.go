package silences

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Live holds the silences that are not over in memory: planning asks it inside transactions. It judges by time, so that nothing has to be
// read again when a silence begins or ends, and by the database's clock, whatever this process' own says. It is safe for concurrent use.
type Live struct {
	db      *storage.DB
	log     *slog.Logger
	now     atomic.Pointer[liveSet]
	skew    atomic.Int64 // what the database's clock is ahead of the process', ns
	mu      sync.Mutex   // of reloading
	changed []func()
}

type liveSet struct {
	byTenant map[string][]*judged
	mark     string // of what is in it
}

// judged is a silence that is ready to be asked.
type judged struct {
	Silence

	matchers Matchers
	rule     *rule // nil: it does not recur

	mu    sync.Mutex
	known atomic.Pointer[horizon]
}

// horizon are the windows of a rule in a stretch of time.
type horizon struct {
	from, to time.Time
	windows  []Window
}

// ahead is how far windows are reckoned at once.
const ahead = 8 * 24 * time.Hour

// NewLive returns an empty Live; Reload fills it.
func NewLive(db *storage.DB, log *slog.Logger) *Live {
	l := &Live{db: db, log: log.With("app", "silences")}
	l.now.Store(&liveSet{})
	return l
}

// OnChange has fn called after a Reload that found other silences than before. It must not block, and is to be set before the first one.
func (l *Live) OnChange(fn func()) { l.changed = append(l.changed, fn) }

// Reload reads the silences again; on an error the old ones stay.
func (l *Live) Reload(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.Sync(ctx); err != nil {
		return err
	}
	var rows []row
	if err := l.db.Read(ctx).Where("expired_at IS NULL").Order("tenant_id, id").Find(&rows).Error; err != nil {
		return fmt.Errorf("load the silences: %w", storage.Classify(err))
	}
	was := l.now.Load()
	kept := map[id.ID]*judged{}
	for _, list := range was.byTenant {
		for _, j := range list {
			kept[j.ID] = j
		}
	}
	set := &liveSet{byTenant: map[string][]*judged{}}
	var mark strings.Builder
	for i := range rows {
		if old := kept[rows[i].ID]; old != nil && old.Version == rows[i].Version {
			set.byTenant[old.TenantID] = append(set.byTenant[old.TenantID], old)
		} else if j, err := judge(&rows[i]); err != nil {
			l.log.ErrorContext(ctx, "leave out a silence", "silence_id", rows[i].ID, "error", err)
			continue
		} else {
			set.byTenant[j.TenantID] = append(set.byTenant[j.TenantID], j)
		}
		fmt.Fprintf(&mark, "%s %d\n", rows[i].ID, rows[i].Version)
	}
	set.mark = mark.String()
	l.now.Store(set)
	if set.mark != was.mark {
		for _, fn := range l.changed {
			fn()
		}
	}
	return nil
}

// Sync compares the process' clock with the database's.
func (l *Live) Sync(ctx context.Context) error {
	if l.db.Engine() == storage.SQLite {
		return nil
	}
	before := l.db.Now()
	at, err := l.db.Time(ctx)
	if err != nil {
		return err
	}
	after := l.db.Now()
	l.skew.Store(int64(at.Sub(before.Add(after.Sub(before) / 2))))
	return nil
}

// Time is the database's time when the process' clock shows at.
func (l *Live) Time(at time.Time) time.Time { return at.Add(time.Duration(l.skew.Load())) }

func judge(r *row) (*judged, error) {
	s, err := r.silence()
	if err != nil {
		return nil, err
	}
	j := &judged{Silence: s}
	var bad map[int]string
	if j.matchers, bad = ParseMatchers(s.Matchers); len(bad) > 0 {
		return nil, fmt.Errorf("its matchers cannot be read: %v", bad)
	}
	if s.Recurrence != nil {
		var problems []Problem
		if j.rule, problems = compileRule(*s.Recurrence, s.StartsAt, s.EndsAt); len(problems) > 0 {
			return nil, &Invalid{problems}
		}
	}
	return j, nil
}

// Held is what silences an alert.
type Held struct {
	By          id.ID // the silence; zero: nothing
	Maintenance bool
	Detail      string // in a sentence: who, until when, why
}

// Silenced says what silences an alert when the process' clock shows at; the zero value is nothing.
func (l *Live) Silenced(tenant string, a *event.Alert, at time.Time) Held {
	list := l.now.Load().byTenant[tenant]
	if len(list) == 0 {
		return Held{}
	}
	at = l.Time(at)
	for _, j := range list {
		if until, on := j.on(at); on && j.matchers.Match(a) {
			return Held{By: j.ID, Maintenance: j.Kind == KindMaintenance, Detail: j.words(until)}
		}
	}
	return Held{}
}

// on reports whether the silence is active, and until when; zero: nobody knows.
func (j *judged) on(at time.Time) (until time.Time, on bool) {
	switch {
	case at.Before(j.StartsAt), !j.EndsAt.IsZero() && !at.Before(j.EndsAt):
		return time.Time{}, false
	case j.rule == nil:
		return j.EndsAt, true
	}
	for _, w := range j.near(at).windows { // by their starts; those that touch are one
		switch {
		case !w.Start.After(at) && w.End.After(at):
			until, on = later(until, w.End), true
		case on && !w.Start.After(until):
			until = later(until, w.End)
		case w.Start.After(at):
			return until, on
		}
	}
	return until, on
}

// near are the windows around a time.
func (j *judged) near(at time.Time) *horizon {
	if h := j.known.Load(); h != nil && !at.Before(h.from) && at.Before(h.to) {
		return h
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if h := j.known.Load(); h != nil && !at.Before(h.from) && at.Before(h.to) {
		return h
	}
	h := &horizon{from: at.Add(-time.Hour), to: at.Add(ahead)}
	h.windows = j.rule.windows(h.from, h.to, maxWindows)
	j.known.Store(h)
	return h
}

// End is when the next silence or window ends after the process' clock shows at; zero: none is known to.
func (l *Live) End(at time.Time) time.Time {
	var first time.Time
	at = l.Time(at)
	for _, list := range l.now.Load().byTenant {
		for _, j := range list {
			until, on := j.on(at)
			if on && !until.IsZero() && (first.IsZero() || until.Before(first)) {
				first = until
			}
		}
	}
	if first.IsZero() {
		return first
	}
	return first.Add(-time.Duration(l.skew.Load()))
}

// Count is how many silences there are that are not over, by kind and by whether they are on when the process' clock shows at.
func (l *Live) Count(at time.Time) map[string]map[Status]int {
	out := map[string]map[Status]int{KindSilence: {Active: 0, Pending: 0}, KindMaintenance: {Active: 0, Pending: 0}}
	at = l.Time(at)
	for _, list := range l.now.Load().byTenant {
		for _, j := range list {
			if _, on := j.on(at); on {
				out[j.Kind][Active]++
			} else if j.EndsAt.IsZero() || j.EndsAt.After(at) {
				out[j.Kind][Pending]++
			}
		}
	}
	return out
}

// words tell people why they did not hear of an alert.
func (s *Silence) words(until time.Time) string {
	what := "silenced"
	if s.Kind == KindMaintenance {
		what = "in a maintenance window"
	}
	if s.Name != "" {
		what += " (" + s.Name + ")"
	}
	if s.CreatedBy != "" {
		what += " by " + s.CreatedBy
	}
	switch {
	case !until.IsZero():
		what += " until " + until.UTC().Format("2006-01-02 15:04:05Z")
	case s.UntilResolved:
		what += " until it is resolved"
	case s.UnusedFor > 0:
		what += " until nothing of the kind fires for " + period.Text(s.UnusedFor)
	}
	if s.Comment != "" {
		what += ": " + line(clip(s.Comment))
	}
	return what
}
