package queue

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// States of a row as lists filter by them.
const (
	StateDue     = "due"     // waits, and is due
	StateLater   = "later"   // waits for its time
	StateHeld    = "held"    // a process works on it
	StateExpired = "expired" // its holder has not come back in time
)

// Row is one row of the jobs table for people.
type Row struct {
	Kind      string    `json:"kind"`
	Ref       id.ID     `json:"ref" format:"uuid" doc:"What it is about."`
	Node      string    `json:"node" doc:"Node of the run, when it is about one."`
	Queue     string    `json:"queue"`
	State     string    `json:"state" gorm:"-" enum:"due,later,held,expired"`
	DueAt     time.Time `json:"due_at" doc:"When it may begin; for a held one, when others may take it."`
	Held      bool      `json:"held" gorm:"-" doc:"A process works on it."`
	Attempt   int       `json:"attempt" doc:"Executions begun."`
	Failures  int       `json:"failures" doc:"Executions that ended in an error."`
	Rescues   int       `json:"rescues" doc:"Times that its holder did not come back."`
	CreatedAt time.Time `json:"created_at"`

	LeaseToken id.ID `json:"-"`
}

// Filter chooses rows of one queue.
type Filter struct {
	State  string // one of the states, "" for all
	Newest bool   // what is due last comes first; else what is due first
	Cursor string // of the page before
	Limit  int    // rows on the page; 0 means the usual
}

// place is the last row of a page.
type place struct {
	Due  time.Time `json:"d"`
	Kind string    `json:"k"`
	Ref  id.ID     `json:"r"`
	Node string    `json:"n"`
}

func (p place) text() (string, error) {
	raw, err := json.Marshal(p)
	return base64.RawURLEncoding.EncodeToString(raw), err
}

func readPlace(text string) (p place, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil || p.Due.IsZero() || p.Due.Year() < 1970 || p.Due.Year() > 9999 || p.Ref.IsZero() {
		return place{}, s.ErrCursor
	}
	return p, nil
}

// Jobs is a page of a tenant's rows in one queue, by the time they are due. A filter by state looks at 10,000 rows at most. A queue
// that there is not is storage.ErrNotFound.
func (v *Viewer) Jobs(ctx context.Context, tenant, name string, f Filter) (s.Page[Row], error) {
	none := s.Page[Row]{Items: []Row{}}
	if !slices.Contains(v.Names, name) {
		return none, fmt.Errorf("queue %s: %w", name, s.ErrNotFound)
	}
	size := s.Paging{Limit: f.Limit}.Size()
	now := v.Clock.Now()
	q, args, err := f.query(name, now)
	if err != nil {
		return none, err
	}
	outer := "SELECT * FROM (" + q + ") j WHERE tenant_id = ?"
	args = append(args, tenant)
	switch f.State {
	case StateDue, StateLater:
		outer += " AND lease_token IS NULL"
	case StateHeld, StateExpired:
		outer += " AND lease_token IS NOT NULL"
	}
	var rows []Row
	if err := v.DB.Read(ctx).Raw(outer+" ORDER BY "+f.order()+" LIMIT ?", append(args, size+1)...).Scan(&rows).Error; err != nil {
		return none, fmt.Errorf("list the jobs of %s: %w", name, s.Classify(err))
	}
	for i := range rows {
		rows[i].describe(now)
	}
	page := s.Page[Row]{Items: rows}
	if len(rows) > size {
		page.Items = rows[:size]
		last := page.Items[size-1]
		if page.NextCursor, err = (place{last.DueAt, last.Kind, last.Ref, last.Node}).text(); err != nil {
			return none, fmt.Errorf("write a cursor: %w", err)
		}
	}
	if page.Items == nil {
		page.Items = []Row{}
	}
	return page, nil
}

func (f Filter) order() string {
	columns := []string{"due_at", "kind", "ref", "node"}
	if f.Newest {
		return strings.Join(columns, " DESC, ") + " DESC"
	}
	return strings.Join(columns, ", ")
}

// query reads a stretch of jobs_due: one queue, on one side of now, from the cursor on.
func (f Filter) query(name string, now time.Time) (text string, args []any, err error) {
	var b strings.Builder
	b.WriteString("SELECT kind, ref, node, tenant_id, queue, due_at, attempt, failures, rescues, lease_token, created_at FROM jobs WHERE queue = ?")
	args = []any{name}
	switch f.State {
	case StateDue, StateExpired:
		b.WriteString(" AND due_at <= ?")
		args = append(args, now)
	case StateLater, StateHeld:
		b.WriteString(" AND due_at > ?")
		args = append(args, now)
	}
	if f.Cursor != "" {
		from, err := readPlace(f.Cursor)
		if err != nil {
			return "", nil, err
		}
		than := ">"
		if f.Newest {
			than = "<"
		}
		// The first condition is what the index is read by.
		b.WriteString(" AND due_at " + than + "= ? AND (due_at, kind, ref, node) " + than + " (?, ?, ?, ?)")
		args = append(args, from.Due, from.Due, from.Kind, from.Ref, from.Node)
	}
	b.WriteString(" ORDER BY " + f.order() + " LIMIT ?")
	return b.String(), append(args, mostRows), nil
}

func (r *Row) describe(now time.Time) {
	r.DueAt, r.CreatedAt = r.DueAt.UTC(), r.CreatedAt.UTC()
	late, leased := !r.DueAt.After(now), !r.LeaseToken.IsZero()
	r.Held = leased && !late
	switch {
	case r.Held:
		r.State = StateHeld
	case leased:
		r.State = StateExpired
	case late:
		r.State = StateDue
	default:
		r.State = StateLater
	}
}
