//go:build unix

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/incidenthub/incidenthub/internal/bench/load"
	"github.com/incidenthub/incidenthub/internal/bench/target"
)

// stage is one load on one hub.
type stage struct {
	name  string
	plan  load.Plan
	ends  string // the ledger state in which every alert must end
	tells bool   // every alert must arrive at the receiver, once
	// unsent is set for loads whose notifications cannot be sent: the hub is at rest when only those are left.
	unsent bool
	before func(ctx context.Context) error // what to do to the hub first; nil: nothing
	// after is done to the hub when all is answered, and from there on its CPU does not count; nil: nothing is.
	after func(ctx context.Context) error
}

// Figures are what was measured in one stage. Rates are per second; times of one alert are in milliseconds, CPU in microseconds.
type Figures struct {
	Engine       string   `json:"engine"`
	Stage        string   `json:"stage"`
	Alerts       int64    `json:"alerts"`
	AcceptRate   float64  `json:"accepts_per_second"`
	AcceptP50    float64  `json:"accept_p50_ms"`
	AcceptP99    float64  `json:"accept_p99_ms"`
	Drain        float64  `json:"drain_seconds"` // from the last answer until no job is left
	DoneRate     float64  `json:"done_per_second"`
	EndToEndRate float64  `json:"end_to_end_per_second,omitempty"`
	EndToEndP50  float64  `json:"end_to_end_p50_ms,omitempty"`
	EndToEndP99  float64  `json:"end_to_end_p99_ms,omitempty"`
	HubCPU       float64  `json:"hub_cpu_us"` // of its server
	WorkersCPU   float64  `json:"workers_cpu_us"`
	DatabaseCPU  float64  `json:"database_cpu_us"`
	RedisCPU     float64  `json:"redis_cpu_us"`
	DriverCPU    float64  `json:"driver_cpu_us"`
	LoadAverage  string   `json:"load_average"` // of one minute, before
	Lost         int64    `json:"lost"`         // accepted, and not where they must end
	Twice        int64    `json:"told_twice"`
	Balanced     bool     `json:"balanced"` // the ledger, after the load
	Problems     []string `json:"problems"`
	// Memory of the hub's processes before the load and when it was at rest after it.
	ResidentBefore int64 `json:"resident_before_bytes"`
	ResidentAfter  int64 `json:"resident_after_bytes"`
}

// Waiting for a hub to come to rest.
const (
	restPoll  = 50 * time.Millisecond
	restLimit = 3 * time.Minute
	// settleTime is the age at which the hub checks what it accepted (apps/ledger), and a little more.
	settleTime = 5500 * time.Millisecond
)

// cpu is what everybody had used at a moment.
type cpu struct {
	target.CPU
	driver time.Duration
}

func cpuOf(h *target.Hub) (c cpu, err error) {
	c.CPU, err = h.CPU()
	c.driver = target.SelfCPU()
	return c, err
}

// run drives a stage's load and verifies what became of it.
func (b *bench) run(ctx context.Context, fo form, h *target.Hub, book *load.Book, s stage) (Figures, error) {
	before, err := h.Ledger(ctx)
	if err != nil {
		return Figures{}, err
	}
	f, err := b.drive(ctx, fo, h, book, s)
	if err != nil {
		return f, err
	}
	list := []Figures{f}
	err = b.verify(ctx, h, before, list, []stage{s})
	return list[0], err
}

// drive sends a stage's load, waits until the hub has done all work, and checks at the receiver that nothing was lost or told twice.
func (b *bench) drive(ctx context.Context, fo form, h *target.Hub, book *load.Book, s stage) (Figures, error) {
	f := Figures{Engine: fo.String(), Stage: s.name, LoadAverage: loadAverage(), Problems: []string{}}
	b.say("%s: %s …", fo, s.name)
	s.plan.Address, s.plan.Key = h.Address, h.Key
	b.receiver.Into(book)
	repeats, strange := book.Repeats.Load(), book.Strange.Load()
	var err error
	if b.profiles != "" {
		if err = h.BeginProfile(ctx); err != nil {
			return f, err
		}
	}
	if f.ResidentBefore, err = h.Resident(); err != nil {
		return f, err
	}
	from, err := cpuOf(h)
	if err != nil {
		return f, err
	}
	got, err := book.Drive(ctx, s.plan)
	if err != nil {
		return f, fmt.Errorf("%w; the hub's log: %s", err, h.Log())
	}
	drain, waiting, to, err := s.end(ctx, h)
	if err != nil {
		return f, err
	}
	if f.ResidentAfter, err = h.Resident(); err != nil {
		return f, err
	}
	if b.profiles != "" {
		if err := h.EndProfile(ctx, filepath.Join(b.profiles, fo.file()+"-"+s.name)); err != nil {
			return f, err
		}
	}
	f.Alerts, f.Drain = got.Accepted(s.plan.Batch), drain.Seconds()
	f.measure(book, got, from, to, s.tells)
	f.Twice = book.Repeats.Load() - repeats
	f.problem(waiting != 0, "%d jobs left %s after the last alert", waiting, restLimit)
	f.problem(got.Refused != 0, "%d requests refused, the first: %s", got.Refused, got.Answer)
	f.problem(f.Alerts == 0, "nothing was accepted")
	if s.tells {
		f.Lost = int64(book.Missing(got.First, got.End))
		f.problem(f.Lost != 0, "%d alerts lost: accepted, but not at the receiver", f.Lost)
	}
	f.problem(f.Twice != 0, "%d notifications sent twice", f.Twice)
	f.problem(book.Strange.Load() != strange, "%d notifications of unknown alerts", book.Strange.Load()-strange)
	return f, nil
}

// end waits until the hub has done all work, and returns how long that took, what is left, and the CPU that counts.
func (s stage) end(ctx context.Context, h *target.Hub) (drain time.Duration, waiting int64, to cpu, err error) {
	if s.after != nil {
		if to, err = cpuOf(h); err != nil {
			return 0, 0, to, err
		}
		if err := s.after(ctx); err != nil {
			return 0, 0, to, err
		}
	}
	left := h.Jobs
	if s.unsent {
		left = h.Unsent
	}
	if drain, waiting, err = rest(ctx, left); err != nil || s.after != nil {
		return drain, waiting, to, err
	}
	to, err = cpuOf(h)
	return drain, waiting, to, err
}

func (f *Figures) problem(bad bool, format string, args ...any) {
	if bad {
		f.Problems = append(f.Problems, fmt.Sprintf(format, args...))
	}
}

// verify waits until the hub looks at its newest rows, and compares its ledger with what the loads since before must have left. What
// is wrong goes to the last one.
func (b *bench) verify(ctx context.Context, h *target.Hub, before target.Ledger, list []Figures, stages []stage) error {
	time.Sleep(settleTime)
	after, err := h.Ledger(ctx)
	if err != nil {
		return err
	}
	last := &list[len(list)-1]
	want := map[string]int64{}
	for n, s := range stages {
		want[s.ends] += list[n].Alerts
		list[n].Balanced = after.Balanced
	}
	short := int64(0)
	for _, state := range []string{"pending", "delivered", "suppressed", "dead", "no_route", "rejected"} {
		n := after.Counts[state] - before.Counts[state]
		last.problem(n != want[state], "the ledger has %d %s, want %d", n, state, want[state])
		short += max(0, want[state]-n)
	}
	last.Lost = max(last.Lost, short)
	last.problem(!after.Balanced, "the ledger is not balanced: %s", after.Problem)
	for _, f := range list {
		if len(f.Problems) > 0 {
			b.say("%s: %s: FAILED: %q; the hub's log: %s", f.Engine, f.Stage, f.Problems, h.Log())
		}
	}
	return nil
}

func (f *Figures) measure(book *load.Book, got load.Result, from, to cpu, tells bool) {
	if f.Alerts == 0 {
		return
	}
	n := float64(f.Alerts)
	f.AcceptRate = n / got.Took.Seconds()
	f.AcceptP50, f.AcceptP99 = milliseconds(load.Percentile(got.Latencies, .5)), milliseconds(load.Percentile(got.Latencies, .99))
	f.DoneRate = n / (got.Took.Seconds() + f.Drain)
	used := to.Minus(from.CPU)
	f.HubCPU, f.WorkersCPU = float64(used.Server.Microseconds())/n, float64(used.Workers.Microseconds())/n
	f.DatabaseCPU, f.RedisCPU = float64(used.Postgres.Microseconds())/n, float64(used.Redis.Microseconds())/n
	f.DriverCPU = float64((to.driver - from.driver).Microseconds()) / n
	if tells {
		f.EndToEndRate = n / book.Last().Sub(got.Start).Seconds()
		all := book.Latencies(got.First, got.End)
		f.EndToEndP50, f.EndToEndP99 = milliseconds(load.Percentile(all, .5)), milliseconds(load.Percentile(all, .99))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rest waits until no job is left and returns how long that took, and how many are left when it takes too long.
func rest(ctx context.Context, jobs func(context.Context) (int64, error)) (took time.Duration, left int64, err error) {
	for began := time.Now(); ; {
		asked := time.Now()
		left, err = jobs(ctx)
		took = time.Since(began)
		if err != nil || left == 0 || took > restLimit {
			return took, left, err
		}
		select {
		case <-ctx.Done():
			return took, left, ctx.Err()
		case <-time.After(max(restPoll, 20*time.Since(asked))): // counting in a bloated table shall not be what is measured
		}
	}
}
