package orchestration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// How often held alerts are looked at.
const (
	retellEvery = 5 * time.Second
	retellSoon  = 5 * time.Millisecond // after a silence has ended by its time
	retellAgain = 200 * time.Millisecond
	retellShare = 20 // the part of the time that looking may take: one in so many
	retellPage  = 1000
	retellMost  = 200  // incidents under way at once
	retellEach  = 2000 // alerts of an incident that are told at once
)

// RetellConfig is what Retells need.
type RetellConfig struct {
	DB     *storage.DB
	Log    *slog.Logger
	Runner *Runner
	Do     Actor
	// Silenced is what silences an alert when this process' clock shows at, zero for nothing. It is asked within transactions.
	Silenced func(tenant string, a *event.Alert, at time.Time) id.ID
	// End is when the next silence ends by its time, zero when none is known to.
	End func(at time.Time) time.Time
	// Entry is the name of a source entry; Default the definition for alerts that no route takes, "" for none.
	Entry   func(i id.ID) string
	Default string
}

// Retells tell what silences held back, once they are over: the rows of table holds are taken away in the transaction that routes their
// alerts again. Any number of processes may do it.
type Retells struct {
	RetellConfig

	queue   *storage.Queue[*retellItem]
	kick    chan struct{}
	end     context.CancelFunc
	running sync.WaitGroup
	told    atomic.Int64
}

// Told is how many incidents this process has told at the end of what silenced them.
func (r *Retells) Told() int64 { return r.told.Load() }

// retellItem is an incident with holds that may be over.
type retellItem struct {
	tenant   string
	incident id.ID
	alerts   []id.ID // whose holds may be over
	told     bool    // an event was made
	busy     bool    // somebody else works on the incident
	more     bool    // further alerts are for the next look
	session  *session
}

// NewRetells starts the class of work.
func NewRetells(c RetellConfig) (*Retells, error) {
	if c.DB == nil || c.Log == nil || c.Runner == nil || c.Do == nil || c.Silenced == nil || c.End == nil || c.Entry == nil {
		return nil, errors.New("orchestration: DB, Log, Runner, Do, Silenced, End and Entry are required")
	}
	r := &Retells{RetellConfig: c, kick: make(chan struct{}, 1)}
	r.Log = c.Log.With("app", "orchestration")
	r.queue = storage.NewQueue(c.DB, storage.QueueOptions{Name: "retell", Max: 20, Workers: 1}, r.apply)
	return r, nil
}

// Start begins to look.
func (r *Retells) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	r.running.Go(func() {
		for wait := time.Duration(0); r.sleep(ctx, wait); {
			watch := clock.Start()
			told, busy, err := r.Sweep(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				r.Log.WarnContext(ctx, "look at what silences hold", "error", err)
			case told > 0:
				r.Log.InfoContext(ctx, "told what silences held back", "incidents", told)
			}
			wait = max(retellEvery, retellShare*watch.Elapsed())
			now := r.DB.Now()
			if end := r.End(now); !end.IsZero() {
				wait = min(wait, max(end.Sub(now), 0)+retellSoon)
			}
			if busy > 0 {
				wait = retellAgain
			}
		}
	})
}

// sleep waits for the next look; false: there is none.
func (r *Retells) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-r.kick:
	case <-t.C:
	}
	return ctx.Err() == nil
}

// Kick has it look at once: silences have changed. It does not block.
func (r *Retells) Kick() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Stop ends it, and waits for what is under way.
func (r *Retells) Stop() {
	if r.end != nil {
		r.end()
		r.running.Wait()
	}
	r.queue.Stop()
}

// holdRow is a held alert as it stands.
type holdRow struct {
	IncidentID id.ID     `gorm:"column:incident_id"`
	AlertID    id.ID     `gorm:"column:alert_id"`
	TenantID   string    `gorm:"column:tenant_id"`
	Status     string    `gorm:"column:incident_status"`
	Firing     string    `gorm:"column:alert_status"`
	In         id.ID     `gorm:"column:alert_incident"`
	Name       string    `gorm:"column:name"`
	Severity   string    `gorm:"column:severity"`
	Source     string    `gorm:"column:source"`
	Labels     string    `gorm:"column:labels"`
	By         id.ID     `gorm:"column:silence_id"`
	HeldAt     time.Time `gorm:"column:held_at"`
}

// over reports whether nobody will need to hear of it: the incident is gone, the alert does not fire, or it belongs to another incident. Where
// somebody has ended the incident, or taken it, the row stays as long as the silence does: it may be opened again before that.
func (h *holdRow) over() bool {
	return h.Status == "" || h.Firing != string(event.StatusFiring) || h.In != h.IncidentID
}

// Sweep looks at everything that silences hold and tells what they do not hold any more. It returns how many incidents were told, and how many
// somebody else was working on.
func (r *Retells) Sweep(ctx context.Context) (told, busy int, err error) {
	var last holdRow
	var ripe []*retellItem
	var others []holdRow // that are held by another silence now
	for {
		var rows []holdRow
		after, args := "", []any{}
		if !last.IncidentID.IsZero() {
			after, args = "WHERE (h.incident_id, h.alert_id) > (?, ?)", []any{last.IncidentID, last.AlertID}
		}
		if err := r.DB.Read(ctx).Raw(`
			SELECT h.incident_id, h.alert_id, h.tenant_id, h.silence_id, h.held_at, COALESCE(i.status, '') AS incident_status, COALESCE(a.status, '') AS alert_status,
			       a.incident_id AS alert_incident, COALESCE(a.name, '') AS name, COALESCE(a.severity, '') AS severity, COALESCE(a.source, '') AS source,
			       COALESCE(CAST(a.labels AS text), '{}') AS labels
			FROM holds h LEFT JOIN incidents i ON i.id = h.incident_id LEFT JOIN alerts a ON a.id = h.alert_id
			`+after+` ORDER BY h.incident_id, h.alert_id LIMIT ?`, append(args, retellPage)...).
			Scan(&rows).Error; err != nil {
			return told, busy, fmt.Errorf("look at what silences hold: %w", storage.Classify(err))
		}
		now := r.DB.Now()
		for i := range rows {
			if last = rows[i]; !last.over() {
				if by, known := r.held(&last, now); !known || !by.IsZero() {
					if known && by != last.By && len(others) < retellPage {
						last.By = by
						others = append(others, last)
					}
					continue
				}
			}
			n := len(ripe) - 1
			if n < 0 || ripe[n].incident != last.IncidentID {
				n, ripe = n+1, append(ripe, &retellItem{tenant: last.TenantID, incident: last.IncidentID})
			}
			if ripe[n].more = len(ripe[n].alerts) == retellEach; !ripe[n].more {
				ripe[n].alerts = append(ripe[n].alerts, last.AlertID)
			}
		}
		if len(rows) < retellPage {
			break
		}
	}
	if err := r.moved(ctx, others); err != nil || len(ripe) == 0 {
		return 0, 0, err
	}
	if err := r.Runner.current(ctx); err != nil {
		return 0, 0, err
	}
	for len(ripe) > 0 {
		n := min(len(ripe), retellMost)
		t, b, failed := r.work(ripe[:n])
		told, busy, ripe, err = told+t, busy+b, ripe[n:], errors.Join(err, failed)
		if ctx.Err() != nil || errors.Is(failed, storage.ErrUnavailable) {
			break
		}
	}
	return told, busy, err
}

// moved notes which silences hold alerts whose own is over: people ask what one holds. Each row by itself: nobody waits in a circle.
func (r *Retells) moved(ctx context.Context, rows []holdRow) error {
	for i := range rows {
		h := &rows[i]
		if err := r.DB.From(ctx).Exec(`UPDATE holds SET silence_id = ? WHERE incident_id = ? AND alert_id = ?`, h.By, h.IncidentID, h.AlertID).Error; err != nil {
			return fmt.Errorf("note what holds an alert: %w", storage.Classify(err))
		}
	}
	return nil
}

// held is what silences a held alert now; known is false when that cannot be said.
func (r *Retells) held(h *holdRow, now time.Time) (by id.ID, known bool) {
	a := &event.Alert{ID: h.AlertID, Name: h.Name, Severity: event.Severity(h.Severity), Source: h.Source, Status: event.StatusFiring}
	if err := decodeTexts(h.Labels, &a.Labels); err != nil {
		r.Log.Warn("read the labels of an alert", "alert_id", h.AlertID, "error", err)
		return id.ID{}, false
	}
	return r.Silenced(h.TenantID, a, now), true
}

// work tells incidents and waits until that is stored.
func (r *Retells) work(items []*retellItem) (told, busy int, err error) {
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, it := range items {
		wg.Add(1)
		r.queue.Submit(it, func(err error) {
			defer wg.Done()
			errs[i] = err
			if err == nil && it.told {
				failpoint.Hit(failpoint.Decided)
			}
			if !it.session.settled(err) || !it.told {
				return
			}
			r.told.Add(1)
			if r.Runner.changed != nil {
				r.Runner.changed(it.tenant, "incident", it.incident)
			}
		})
	}
	wg.Wait()
	for i, it := range items {
		switch {
		case errs[i] != nil:
			err = fmt.Errorf("tell incident %s again: %w", it.incident, errs[i]) // one of them says enough
		case it.busy:
			busy++
		case it.told:
			told++
		}
		if it.more && !it.busy {
			busy++
		}
	}
	return told, busy, err
}
