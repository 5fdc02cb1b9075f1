package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

const (
	viewLife = time.Second // that an answer serves, however many ask
	mostRows = 10_000      // that are counted of one queue on one side of now
	// lateAfter is the age of the oldest due row at which a queue is late: leases and retries take less.
	lateAfter = time.Minute
)

// View is what waits in every queue, and what the doorbell says.
type View struct {
	At       time.Time `json:"at"`
	Queues   []Depth   `json:"queues"`
	Doorbell Doorbell  `json:"doorbell"`
}

// Depth is what is in one queue: rows of the jobs table, of all tenants. Counts stop at 10,000 on each side of now.
type Depth struct {
	Name      string     `json:"name"`
	Due       int64      `json:"due" doc:"Rows that are due and that nobody has taken."`
	Later     int64      `json:"later" doc:"Rows that are due at a later time."`
	Held      int64      `json:"held" doc:"Rows that a process works on."`
	Expired   int64      `json:"expired" doc:"Rows whose holder has not come back in time; the next process takes them."`
	Rescued   int64      `json:"rescued" doc:"Rows that were taken over from such a holder at least once."`
	DueMore   bool       `json:"due_more" doc:"More than 10,000 rows are due: due, expired and rescued count the oldest of them."`
	LaterMore bool       `json:"later_more" doc:"More than 10,000 rows are not due: later, held and rescued count the next of them."`
	OldestDue *time.Time `json:"oldest_due_at" doc:"When the oldest due row became due; null when none is due."`
	OldestAge float64    `json:"oldest_due_seconds" doc:"How long ago that was."`
	Late      bool       `json:"late" doc:"It was more than a minute ago."`
	Rings     *Rings     `json:"rings" doc:"Rings of the doorbell for this queue; null without Redis."`
}

// Rings are the doorbell's tasks for one queue, as the inspector of Redis' queues sees them.
type Rings struct {
	Pending        int     `json:"pending" doc:"Rings that wait to be heard."`
	Active         int     `json:"active" doc:"Rings that are being heard."`
	Processed      int     `json:"processed" doc:"Rings heard today (UTC)."`
	Failed         int     `json:"failed" doc:"Rings lost today (UTC): their process died."`
	ProcessedTotal int     `json:"processed_total" doc:"Rings heard since Redis was last empty."`
	LatencySeconds float64 `json:"latency_seconds" doc:"Age of the oldest ring that waits."`
	Paused         bool    `json:"paused"`
	Weight         int     `json:"weight" doc:"Share of the queue when several have rings."`
}

// Doorbell is how processes wake each other.
type Doorbell struct {
	Kind      string           `json:"kind" enum:"local,redis" doc:"local: no Redis, the doorbell is in this process."`
	Away      string           `json:"away" doc:"Why Redis says nothing, as a sentence; empty when it does."`
	Processes []Process        `json:"processes" doc:"Processes that hear rings; none are known without Redis."`
	Sent      Sent             `json:"sent" doc:"Rings of the process that answers, since its start."`
	Queues    map[string]Rings `json:"-"` // by name
}

// Process is one that hears rings. A killed one is seen for another 10 s.
type Process struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Queues    []string  `json:"queues" doc:"Queues that it works on."`
	StartedAt time.Time `json:"started_at"`
	Status    string    `json:"status"`
}

// Sent counts the rings of one process.
type Sent struct {
	Asked  int64 `json:"asked" doc:"Rings asked for."`
	Sent   int64 `json:"sent" doc:"Sent through Redis; fewer, because close ones are one."`
	Spared int64 `json:"spared" doc:"Not sent, because enough were waiting."`
	Failed int64 `json:"failed" doc:"Attempts that failed."`
	Heard  int64 `json:"heard" doc:"Received."`
}

// Trouble is what is wrong with the queues; the zero value: nothing.
type Trouble struct {
	Late  string    // queue whose oldest due row is older than a minute
	Since time.Time // when that row became due
	Away  string    // why Redis is away, as a sentence
}

// Viewer reads what waits. It is safe for concurrent use; set its fields before the first call and leave them.
type Viewer struct {
	DB    *s.DB
	Clock clock.Clock
	Names []string // the queues, in the order in which they are shown
	// Doorbell asks the doorbell, which may take two seconds; Away says at once why Redis is away, "" when it is not.
	Doorbell func(ctx context.Context) Doorbell
	Away     func() string

	views, looks turn // apart: pages that ask for trouble must not wait for Redis
	view         View
	trouble      Trouble
	looked       time.Time
}

// turn lets one caller read at a time.
type turn struct {
	once sync.Once
	held chan struct{}
}

func (t *turn) enter(ctx context.Context) (leave func(), err error) {
	t.once.Do(func() { t.held = make(chan struct{}, 1) })
	select {
	case t.held <- struct{}{}:
		return func() { <-t.held }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("read the queues: %w", ctx.Err())
	}
}

func fresh(at, now time.Time) bool { return now.Sub(at) < viewLife && !now.Before(at) }

// View returns what is in the queues, at most a second old.
func (v *Viewer) View(ctx context.Context) (View, error) {
	leave, err := v.views.enter(ctx)
	if err != nil {
		return View{}, err
	}
	defer leave()
	now := v.Clock.Now()
	if fresh(v.view.At, now) {
		return v.view, nil
	}
	got := View{At: now, Queues: make([]Depth, len(v.Names)), Doorbell: v.Doorbell(ctx)}
	for i, name := range v.Names {
		got.Queues[i].Name = name
		if r, ok := got.Doorbell.Queues[name]; ok {
			got.Queues[i].Rings = &r
		}
	}
	if err := v.count(ctx, now, got.Queues); err != nil {
		return View{}, err
	}
	v.view = got
	return got, nil
}

// sides are the two ranges of jobs_due in one queue: what is due, which is waiting or was left by its holder, and what is not, which
// is waiting or held.
var sides = []string{
	"SELECT ? AS queue, 1 AS due, count(*) AS n, count(lease_token) AS leased, count(CASE WHEN rescues > 0 THEN 1 END) AS rescued FROM " +
		"(SELECT lease_token, rescues FROM jobs WHERE queue = ? AND due_at <= ? ORDER BY due_at LIMIT ?) d",
	"SELECT ? AS queue, 0 AS due, count(*) AS n, count(lease_token) AS leased, count(CASE WHEN rescues > 0 THEN 1 END) AS rescued FROM " +
		"(SELECT lease_token, rescues FROM jobs WHERE queue = ? AND due_at > ? ORDER BY due_at LIMIT ?) l",
}

func (v *Viewer) count(ctx context.Context, now time.Time, queues []Depth) error {
	if len(queues) == 0 {
		return nil
	}
	var parts []string
	var args []any
	at := map[string]*Depth{}
	for i := range queues {
		at[queues[i].Name] = &queues[i]
		for _, side := range sides {
			parts = append(parts, side)
			args = append(args, queues[i].Name, queues[i].Name, now, mostRows+1)
		}
	}
	var rows []struct {
		Queue              string
		Due                int
		N, Leased, Rescued int64
	}
	if err := v.DB.Read(ctx).Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&rows).Error; err != nil {
		return fmt.Errorf("count the jobs: %w", s.Classify(err))
	}
	for _, r := range rows {
		d := at[r.Queue]
		d.Rescued += r.Rescued
		if r.Due == 1 {
			d.Due, d.Expired, d.DueMore = r.N-r.Leased, r.Leased, r.N > mostRows
		} else {
			d.Later, d.Held, d.LaterMore = r.N-r.Leased, r.Leased, r.N > mostRows
		}
	}
	oldest, err := v.oldest(ctx, now)
	if err != nil {
		return err
	}
	for name, t := range oldest {
		d, age := at[name], now.Sub(t)
		d.OldestDue, d.OldestAge, d.Late = &t, age.Seconds(), age > lateAfter
	}
	return nil
}

// oldest is the due time of the oldest due row of each queue that has one.
func (v *Viewer) oldest(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	parts := make([]string, len(v.Names))
	args := make([]any, 0, 2*len(v.Names))
	for i, name := range v.Names {
		parts[i] = "SELECT * FROM (SELECT queue, due_at FROM jobs WHERE queue = ? AND due_at <= ? ORDER BY due_at LIMIT 1) o"
		args = append(args, name, now)
	}
	var rows []struct {
		Queue string
		DueAt time.Time
	}
	if err := v.DB.Read(ctx).Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for the oldest due job: %w", s.Classify(err))
	}
	out := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		out[r.Queue] = r.DueAt.UTC()
	}
	return out, nil
}

// Trouble looks at the oldest due rows, at most once a second, and asks nobody else: every page may ask.
func (v *Viewer) Trouble(ctx context.Context) (Trouble, error) {
	leave, err := v.looks.enter(ctx)
	if err != nil {
		return Trouble{}, err
	}
	defer leave()
	now := v.Clock.Now()
	if !fresh(v.looked, now) {
		oldest, err := v.oldest(ctx, now)
		if err != nil {
			return Trouble{}, err
		}
		v.trouble, v.looked = Trouble{}, now
		for name, t := range oldest {
			if now.Sub(t) > lateAfter && (v.trouble.Late == "" || t.Before(v.trouble.Since)) {
				v.trouble.Late, v.trouble.Since = name, t
			}
		}
	}
	got := v.trouble
	got.Away = v.Away()
	return got, nil
}
