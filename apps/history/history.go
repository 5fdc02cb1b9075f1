// Package history finds earlier incidents like one that is open: the same trouble before, what looks alike, and what resolved it.
package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// floor is the least likeness that is told. What shares the words of a name and the service is above, what shares only the host is below.
const floor = 0.42

// Bounds of one question.
const (
	own      = 30 * 24 * time.Hour // how far back the same trouble is counted
	ownMost  = 200                 // incidents
	slack    = 20                  // hits looked at beyond what is asked for: some are open, or gone
	atOnce   = 1                   // searches in a process: one takes all of a core for some milliseconds
	waitTurn = 250 * time.Millisecond
)

// Config holds what a Service needs.
type Config struct {
	DB     *storage.DB
	Log    *slog.Logger
	Tenant string // whose vectors Start makes
	// ByItself is the summary of incidents that ended by themselves.
	ByItself string
}

// Service finds incidents. It is safe for concurrent use.
type Service struct {
	db       *storage.DB
	log      *slog.Logger
	tenant   string
	byItself string
	turns    chan struct{}

	running sync.WaitGroup
	ctx     context.Context // of the loop
	end     context.CancelFunc

	mu      sync.Mutex
	indexes []*index // at most maxTenants, the one that was used last at the end
}

// maxTenants is how many tenants' vectors are in memory.
const maxTenants = 4

// New returns a Service. It starts nothing and reads nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Log == nil || c.Tenant == "" {
		return nil, errors.New("history: DB, Log and Tenant are required")
	}
	s := &Service{db: c.DB, log: c.Log.With("app", "history"), tenant: c.Tenant, byItself: c.ByItself, turns: make(chan struct{}, atOnce)}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Question is about an incident with its alerts.
type Question struct {
	Incident *event.Incident
	Alerts   []*event.Alert
	Limit    int // earlier incidents in all
}

// Found is what is known of an incident from before.
type Found struct {
	Before  []Past // ended ones: the same trouble first, newest first, then what is like it, most alike first
	Firing  []Past // others like it that are open now, at most as many
	Week    int    // how often the same trouble was there in the 7 days before
	Month   int    // and in the 30 days before
	LastAt  time.Time
	Began   time.Time // when the incident was opened, or opened again
	Skipped string    // why nothing was compared, "" when it was
}

// Past is another incident.
type Past struct {
	IncidentID     id.ID
	Title          string
	Severity       event.Severity
	Status         event.IncidentStatus
	BeganAt        time.Time
	EndedAt        time.Time // zero while it is open
	Same           bool      // the same trouble: one of its alerts, or its group
	Similarity     float64   // 0..1
	AcknowledgedBy string
	ResolvedBy     string // "": it ended by itself
	Summary        string // what people wrote when they ended it
	Notes          []Note // newest last
	Analysis       string // summary of the last analysis
	Cause          string // its probable cause
}

// Note is what somebody wrote on an incident.
type Note struct{ Author, Text string }

// Find looks for earlier incidents. It never finds the incident itself, nor anything of another tenant.
func (s *Service) Find(ctx context.Context, tenant string, q Question) (Found, error) {
	var out Found
	if q.Incident == nil || q.Limit <= 0 {
		return out, nil
	}
	episodes, began, err := s.episodes(ctx, tenant, q.Incident)
	if err != nil {
		return out, err
	}
	out.Began = began
	for _, p := range episodes {
		out.count(p, began)
	}
	out.Before = append(out.Before, episodes[:min(len(episodes), maxEpisodes)]...)
	same, err := s.same(ctx, tenant, q)
	if err != nil {
		return out, err
	}
	hits, skipped, err := s.alike(ctx, tenant, q)
	if err != nil {
		return out, err
	}
	out.Skipped = skipped
	ids := make([]id.ID, 0, len(same)+len(hits))
	ids = append(ids, same...)
	likeness := map[id.ID]float64{}
	for _, h := range hits {
		likeness[h.id] = h.similarity
		ids = append(ids, h.id)
	}
	rows, err := s.incidents(ctx, tenant, ids)
	if err != nil {
		return out, err
	}
	before := map[id.ID]bool{}
	for _, i := range same {
		before[i] = true
	}
	for i := range rows {
		r := &rows[i]
		p := r.past()
		p.Similarity = likeness[p.IncidentID]
		if p.Same = before[p.IncidentID] || q.Incident.GroupKey != "" && r.GroupKey == q.Incident.GroupKey; p.Same {
			p.Similarity = 1
			out.count(p, began)
		}
		if p.Status.Active() {
			out.Firing = append(out.Firing, p)
		} else {
			out.Before = append(out.Before, p)
		}
	}
	slices.SortStableFunc(out.Before, closest)
	slices.SortStableFunc(out.Firing, closest)
	out.Before, out.Firing = out.Before[:min(len(out.Before), q.Limit)], out.Firing[:min(len(out.Firing), q.Limit)]
	for _, list := range [][]Past{out.Before, out.Firing} {
		for i := range list {
			if list[i].Summary == s.byItself { // nobody wrote it
				list[i].Summary = ""
			}
		}
	}
	return out, s.analyses(ctx, tenant, out.Before)
}

// count notes when the same trouble was there.
func (f *Found) count(p Past, began time.Time) {
	if !p.BeganAt.Before(began) {
		return
	}
	if age := began.Sub(p.BeganAt); age <= 7*24*time.Hour {
		f.Week++
	}
	if age := began.Sub(p.BeganAt); age <= own {
		f.Month++
	}
	if p.BeganAt.After(f.LastAt) {
		f.LastAt = p.BeganAt
	}
}

// closest orders the same trouble first, newest first, and then by likeness.
func closest(a, b Past) int {
	switch {
	case a.Same != b.Same:
		if a.Same {
			return -1
		}
		return 1
	case !a.Same && a.Similarity != b.Similarity:
		if a.Similarity > b.Similarity {
			return -1
		}
		return 1
	default:
		return b.BeganAt.Compare(a.BeganAt)
	}
}

// alike compares the incident with others. When too many want that at once, it is left out rather than waited for.
func (s *Service) alike(ctx context.Context, tenant string, q Question) (hits []hit, skipped string, err error) {
	v, _ := subjectOf(q.Incident, q.Alerts).vector()
	turn, cancel := context.WithTimeout(ctx, waitTurn)
	defer cancel()
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-turn.Done():
		if ctx.Err() != nil {
			return nil, "", fmt.Errorf("look for similar incidents: %w", ctx.Err())
		}
		return nil, "too many incidents at once to compare this one with earlier ones", nil
	}
	x := s.index(tenant)
	if err := x.refresh(ctx, s.db); err != nil {
		return nil, "", err
	}
	return x.search(&v, 2*q.Limit+slack, floor, q.Incident.ID), "", nil
}

// index returns a tenant's index; of too many tenants the one that was not used for longest goes.
func (s *Service) index(tenant string) *index {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.indexes, func(x *index) bool { return x.tenant == tenant })
	x := &index{tenant: tenant, slots: map[id.ID]int{}}
	if at >= 0 {
		x = s.indexes[at]
		s.indexes = slices.Delete(s.indexes, at, at+1)
	}
	s.indexes = append(s.indexes, x)
	if len(s.indexes) > maxTenants {
		s.indexes = slices.Delete(s.indexes, 0, 1)
	}
	return x
}
