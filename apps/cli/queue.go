package cli

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

type queuesCmd struct {
	remote
	page
	Queue  string `arg:"" optional:"" help:"Show the rows of this queue: ingest, context, intelligence, notify, maintenance."`
	State  string `enum:",due,later,held,expired" default:"" placeholder:"STATE" help:"Only rows that are due, due later, held by a process, or expired (their holder did not come back)."`
	Newest bool   `help:"What is due last comes first; else what has been due longest."`
}

// Help implements kong.HelpProvider.
func (queuesCmd) Help() string {
	return `Shows what waits in each queue, how long the oldest due work has waited, and which processes are woken through Redis. With the name of
a queue it lists the queue's rows and what they are about.

Examples:

    incidenthub queues
    incidenthub queues notify --state due
    incidenthub queues --json`
}

// wireQueues is the API's answer.
type wireQueues struct {
	Queues []struct {
		Name      string     `json:"name"`
		Due       int64      `json:"due"`
		Later     int64      `json:"later"`
		Held      int64      `json:"held"`
		Expired   int64      `json:"expired"`
		Rescued   int64      `json:"rescued"`
		DueMore   bool       `json:"due_more"`
		LaterMore bool       `json:"later_more"`
		Oldest    *time.Time `json:"oldest_due_at"`
		Late      bool       `json:"late"`
		Rings     *struct {
			Pending   int `json:"pending"`
			Processed int `json:"processed"`
		} `json:"rings"`
	} `json:"queues"`
	Doorbell struct {
		Kind      string `json:"kind"`
		Away      string `json:"away"`
		Processes []struct {
			Host      string    `json:"host"`
			PID       int       `json:"pid"`
			Queues    []string  `json:"queues"`
			StartedAt time.Time `json:"started_at"`
		} `json:"processes"`
	} `json:"doorbell"`
}

type wireJob struct {
	Kind     string    `json:"kind"`
	Ref      string    `json:"ref"`
	Node     string    `json:"node"`
	State    string    `json:"state"`
	DueAt    time.Time `json:"due_at"`
	Attempt  int       `json:"attempt"`
	Failures int       `json:"failures"`
	Rescues  int       `json:"rescues"`
	About    string    `json:"about"`
}

// Run implements the command.
func (c queuesCmd) Run(ctx context.Context, p *Program) error {
	now := clock.System().Now()
	if c.Queue != "" {
		return c.rows(ctx, p, now)
	}
	var all wireQueues
	return get(ctx, p, c.remote, "/api/v1/queues", nil, &all, func() error { return all.print(p, now) })
}

func (w *wireQueues) print(p *Program, now time.Time) error {
	count := func(n int64, more bool) string {
		if more {
			return strconv.FormatInt(n, 10) + "+"
		}
		return strconv.FormatInt(n, 10)
	}
	var rows [][]string
	var late []string
	for _, q := range w.Queues {
		row := []string{
			q.Name, count(q.Due, q.DueMore), ago(q.Oldest, now), count(q.Later, q.LaterMore), count(q.Held, false), count(q.Expired, false), count(q.Rescued, false), "", "",
		}
		if q.Rings != nil {
			row[7], row[8] = strconv.Itoa(q.Rings.Pending), strconv.Itoa(q.Rings.Processed)
		}
		rows = append(rows, row)
		if q.Late {
			late = append(late, q.Name)
		}
	}
	if err := p.table([]string{"QUEUE", "DUE", "OLDEST", "LATER", "HELD", "EXPIRED", "RESCUED", "RINGS", "HEARD TODAY"}, rows); err != nil {
		return err
	}
	for _, name := range late {
		p.say("\n%s is late: its oldest due work has waited more than a minute. See it with: incidenthub queues %s", clean(name), clean(name))
	}
	switch {
	case w.Doorbell.Kind == "local":
		p.say("\nNo Redis: the doorbell is in the process that answers. Other processes look for work every second.")
		return nil
	case w.Doorbell.Away != "":
		p.say("\n%s. Processes look for work by themselves.", clean(w.Doorbell.Away))
		return nil
	}
	rows = nil
	for _, s := range w.Doorbell.Processes {
		rows = append(rows, []string{s.Host, strconv.Itoa(s.PID), strings.Join(s.Queues, ", "), ago(&s.StartedAt, now)})
	}
	return p.section("Processes that Redis wakes", "None.", []string{"HOST", "PID", "QUEUES", "STARTED"}, rows)
}

func (c queuesCmd) rows(ctx context.Context, p *Program, now time.Time) error {
	q := c.query()
	if c.State != "" {
		q.Set("state", c.State)
	}
	if c.Newest {
		q.Set("order", "newest")
	}
	var jobs list[wireJob]
	return get(ctx, p, c.remote, "/api/v1/queues/"+url.PathEscape(c.Queue)+"/jobs", q, &jobs, func() error {
		var rows [][]string
		for _, j := range jobs.Items {
			rows = append(rows, []string{
				j.State, ago(&j.DueAt, now), j.Kind, strings.TrimSpace(j.About + " " + j.Ref), j.Node, strconv.Itoa(j.Attempt), strconv.Itoa(j.Failures), strconv.Itoa(j.Rescues),
			})
		}
		if len(rows) == 0 {
			p.say("Nothing is here.")
			return nil
		}
		if err := p.table([]string{"STATE", "DUE", "KIND", "ABOUT", "NODE", "ATTEMPT", "FAILURES", "RESCUES"}, rows); err != nil {
			return err
		}
		p.more(jobs.NextCursor)
		return nil
	})
}
