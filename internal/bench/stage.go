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
	HubCPU       float64  `json:"hub_cpu_us"`
	DatabaseCPU  float64  `json:"database_cpu_us"`
	DriverCPU    float64  `json:"driver_cpu_us"`
	LoadAverage  string   `json:"load_average"` // of one minute, before
	Problems     []string `json:"problems"`
}

// Waiting for a hub to come to rest.
const (
	restPoll  = 50 * time.Millisecond
	restLimit = 3 * time.Minute
	// settleTime is the age at which the hub checks what it accepted (apps/ledger), and a little more.
	settleTime = 5500 * time.Millisecond
)

// cpu is what everybody had used at a moment.
type cpu struct{ hub, base, driver time.Duration }

func cpuOf(h *target.Hub) (c cpu, err error) {
	c.hub, c.base, err = h.CPU()
	c.driver = target.SelfCPU()
	return c, err
}

// run sends a stage's load, waits until the hub has done all work, and checks that nothing was lost or told twice.
func (b *bench) run(ctx context.Context, engine string, h *target.Hub, book *load.Book, s stage) (Figures, error) {
	f := Figures{Engine: engine, Stage: s.name, LoadAverage: loadAverage(), Problems: []string{}}
	b.say("%s: %s …", engine, s.name)
	s.plan.Address, s.plan.Key = h.Address, h.Key
	b.receiver.Into(book)
	before, err := h.Ledger(ctx)
	if err != nil {
		return f, err
	}
	repeats, strange := book.Repeats.Load(), book.Strange.Load()
	if b.profiles != "" {
		if err := h.BeginProfile(ctx); err != nil {
			return f, err
		}
	}
	from, err := cpuOf(h)
	if err != nil {
		return f, err
	}
	got, err := book.Drive(ctx, s.plan)
	if err != nil {
		return f, fmt.Errorf("%w; the hub's log: %s", err, h.Log())
	}
	drain, left, err := rest(ctx, h)
	if err != nil {
		return f, err
	}
	to, err := cpuOf(h)
	if err != nil {
		return f, err
	}
	if b.profiles != "" {
		if err := h.EndProfile(ctx, filepath.Join(b.profiles, engine+"-"+s.name)); err != nil {
			return f, err
		}
	}
	f.Alerts, f.Drain = got.Accepted(s.plan.Batch), drain.Seconds()
	f.measure(book, got, from, to, s.tells)
	problem := func(bad bool, format string, args ...any) {
		if bad {
			f.Problems = append(f.Problems, fmt.Sprintf(format, args...))
		}
	}
	problem(left != 0, "%d jobs left %s after the last alert", left, restLimit)
	problem(got.Refused != 0, "%d requests refused, the first: %s", got.Refused, got.Answer)
	problem(f.Alerts == 0, "nothing was accepted")
	if s.tells {
		n := book.Missing(got.First, got.End)
		problem(n != 0, "%d alerts lost: accepted, but not at the receiver", n)
	}
	problem(book.Repeats.Load() != repeats, "%d notifications sent twice", book.Repeats.Load()-repeats)
	problem(book.Strange.Load() != strange, "%d notifications of unknown alerts", book.Strange.Load()-strange)
	time.Sleep(settleTime)
	after, err := h.Ledger(ctx)
	if err != nil {
		return f, err
	}
	for _, state := range []string{"pending", "delivered", "suppressed", "dead", "no_route", "rejected"} {
		want := int64(0)
		if state == s.ends {
			want = f.Alerts
		}
		n := after.Counts[state] - before.Counts[state]
		problem(n != want, "the ledger has %d %s, want %d", n, state, want)
	}
	problem(!after.Balanced, "the ledger is not balanced: %s", after.Problem)
	if len(f.Problems) > 0 {
		b.say("%s: %s: FAILED: %q; the hub's log: %s", engine, s.name, f.Problems, h.Log())
	}
	return f, nil
}

func (f *Figures) measure(book *load.Book, got load.Result, from, to cpu, tells bool) {
	if f.Alerts == 0 {
		return
	}
	n := float64(f.Alerts)
	f.AcceptRate = n / got.Took.Seconds()
	f.AcceptP50, f.AcceptP99 = milliseconds(load.Percentile(got.Latencies, .5)), milliseconds(load.Percentile(got.Latencies, .99))
	f.DoneRate = n / (got.Took.Seconds() + f.Drain)
	f.HubCPU = float64((to.hub - from.hub).Microseconds()) / n
	f.DatabaseCPU = float64((to.base - from.base).Microseconds()) / n
	f.DriverCPU = float64((to.driver - from.driver).Microseconds()) / n
	if tells {
		f.EndToEndRate = n / book.Last().Sub(got.Start).Seconds()
		all := book.Latencies(got.First, got.End)
		f.EndToEndP50, f.EndToEndP99 = milliseconds(load.Percentile(all, .5)), milliseconds(load.Percentile(all, .99))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rest waits until the hub has no job left and returns how long that took, and how many are left when it takes too long.
func rest(ctx context.Context, h *target.Hub) (took time.Duration, left int64, err error) {
	for began := time.Now(); ; {
		asked := time.Now()
		left, err = h.Jobs(ctx)
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
