//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/bench/load"
	"github.com/incidenthub/incidenthub/internal/bench/target"
)

// Names of the stages, in the order of the report.
const (
	stageNoRoute = "no-route"
	stageTakeIn  = "take-in"
	stageAccept  = "accept"
	stageTell    = "end-to-end"
	stagePace    = "pace"
	// The load full has two parts.
	stageFull     = "full"
	stageFullPace = "full-pace"
	stageBatch    = "batch"
	stageRepeat   = "repeat"
	// The load receiver-down has three parts.
	stageUp        = "receiver-up"
	stageDown      = "receiver-down"
	stageStillDown = "receiver-still-down"
)

// loads are what --only takes; the end-to-end load brings the pace, the starts and the disk with it.
func loads() []string {
	return []string{stageNoRoute, stageTakeIn, stageAccept, stageBatch, stageRepeat, stageTell, stageFull, stageDown}
}

// Sizes that DATAPATH's figures were measured with.
const (
	paceRate    = 200 // alerts a second
	batchSize   = 10  // alerts a request
	repeated    = 1000
	repeats     = 40_000
	restarts    = 5
	idleSeconds = 3
)

// Standing is what a hub costs without load.
type Standing struct {
	Engine        string  `json:"engine"`
	ReadyMedian   float64 `json:"ready_ms"` // from exec to 200 on /healthz, on the data of the end-to-end stage
	ReadyWorst    float64 `json:"ready_worst_ms"`
	Resident      int64   `json:"resident_bytes"` // after a start, idle
	BytesPerAlert float64 `json:"disk_bytes_per_alert"`
}

// bench is one run of the tool.
type bench struct {
	options
	folder   string
	binary   target.Binary
	receiver *load.Receiver
	say      func(format string, args ...any)
}

func (b *bench) plan() load.Plan {
	p := load.Plan{Clients: b.clients, Batch: 1, Alerts: b.alerts}
	if b.alerts == 0 {
		p.For = time.Duration(b.seconds) * time.Second
	}
	return p
}

// form measures one form of the hub; cluster is nil for SQLite.
func (b *bench) form(ctx context.Context, f form, cluster *target.Cluster) (list []Figures, st Standing, err error) {
	st.Engine = f.String()
	batch := b.plan()
	batch.Batch = batchSize
	direct := target.Setup{Pipeline: "direct"}
	tells := target.Setup{Receiver: b.receiver.URL(), Pipeline: "direct"}
	full := target.Setup{Receiver: b.receiver.URL(), Pipeline: "full"}
	type measure func(*target.Hub, *load.Book) ([]Figures, error)
	one := func(s stage) measure {
		return func(h *target.Hub, book *load.Book) ([]Figures, error) {
			got, err := b.run(ctx, f, h, book, s)
			return []Figures{got}, err
		}
	}
	for _, part := range []struct {
		name  string
		setup target.Setup
		do    measure
	}{
		{stageNoRoute, target.Setup{}, one(stage{name: stageNoRoute, plan: b.plan(), ends: "no_route"})},
		{stageTakeIn, target.Setup{TakesIn: true}, func(h *target.Hub, book *load.Book) ([]Figures, error) { return b.takeIn(ctx, f, h, book) }},
		{stageAccept, direct, one(stage{name: stageAccept, plan: b.plan(), ends: "delivered"})},
		{stageBatch, direct, one(stage{name: stageBatch, plan: batch, ends: "delivered"})},
		{stageRepeat, tells, func(h *target.Hub, book *load.Book) ([]Figures, error) { return b.repeat(ctx, f, h, book) }},
		{stageTell, tells, func(h *target.Hub, book *load.Book) ([]Figures, error) { return b.tell(ctx, f, h, book, &st) }},
		{stageFull, full, func(h *target.Hub, book *load.Book) ([]Figures, error) { return b.full(ctx, f, h, book) }},
		{stageDown, tells, func(h *target.Hub, book *load.Book) ([]Figures, error) { return b.down(ctx, f, h, book) }},
	} {
		if !b.wants(f, part.name) {
			continue
		}
		err := b.fresh(ctx, f, cluster, part.setup, func(h *target.Hub, book *load.Book) error {
			more, err := part.do(h, book)
			list = append(list, more...)
			return err
		})
		if err != nil {
			return list, st, err
		}
	}
	return list, st, nil
}

// takeIn measures what it costs to take alerts in and nothing else: the server leaves them to workers, which start when all is answered.
func (b *bench) takeIn(ctx context.Context, f form, h *target.Hub, book *load.Book) ([]Figures, error) {
	got, err := b.run(ctx, f, h, book, stage{
		name: stageTakeIn, plan: b.plan(), ends: "no_route", after: func(ctx context.Context) error { return h.StartWorkers(ctx, f.workers) },
	})
	return []Figures{got}, err
}

// full measures the way through the preset full: checks of the host, an analysis, and the message with both.
func (b *bench) full(ctx context.Context, f form, h *target.Hub, book *load.Book) ([]Figures, error) {
	pace := load.Plan{Clients: b.clients, Batch: 1, Rate: paceRate, For: time.Duration(b.seconds) * time.Second}
	return b.row(ctx, f, h, book, []stage{
		{name: stageFullPace, plan: pace, ends: "delivered", tells: true},
		{name: stageFull, plan: b.plan(), ends: "delivered", tells: true},
	})
}

// wants reports whether a load is to be run. Workers have no part in batches and repeats, so they are left out unless asked for; where there
// are none, nobody can be left what a server takes in.
func (b *bench) wants(f form, name string) bool {
	if name == stageTakeIn && f.workers == 0 {
		return false
	}
	if b.only != "" {
		return b.only == name
	}
	return f.engine != target.Scaled || name != stageBatch && name != stageRepeat
}

// repeat tells 1,000 alerts and sends them again and again.
func (b *bench) repeat(ctx context.Context, f form, h *target.Hub, book *load.Book) ([]Figures, error) {
	stages := []stage{
		{name: "first-" + stageRepeat, plan: load.Plan{Clients: b.clients, Batch: 1, Alerts: repeated}, ends: "delivered", tells: true},
		{name: stageRepeat, plan: load.Plan{Clients: b.clients, Batch: 1, Distinct: repeated, Alerts: repeats}, ends: "suppressed"},
	}
	return b.row(ctx, f, h, book, stages)
}

// row drives one load after the other and verifies what became of all.
func (b *bench) row(ctx context.Context, f form, h *target.Hub, book *load.Book, stages []stage) (list []Figures, err error) {
	before, err := h.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range stages {
		if s.before != nil {
			if err := s.before(ctx); err != nil {
				return list, err
			}
		}
		got, err := b.drive(ctx, f, h, book, s)
		list = append(list, got)
		if err != nil {
			return list, err
		}
	}
	return list, b.verify(ctx, h, before, list, stages)
}

// tell measures the whole way to the receiver, and what a hub of one process costs standing on the data that this leaves.
func (b *bench) tell(ctx context.Context, f form, h *target.Hub, book *load.Book, st *Standing) ([]Figures, error) {
	empty, err := h.Bytes(ctx)
	if err != nil {
		return nil, err
	}
	pace := load.Plan{Clients: b.clients, Batch: 1, Rate: paceRate, For: time.Duration(b.seconds) * time.Second}
	list, err := b.row(ctx, f, h, book, []stage{
		{name: stageTell, plan: b.plan(), ends: "delivered", tells: true},
		{name: stagePace, plan: pace, ends: "delivered", tells: true},
	})
	if err != nil || f.engine == target.Scaled {
		return list, err
	}
	return list, b.stand(ctx, h, empty, book.Next(), st)
}

func (b *bench) stand(ctx context.Context, h *target.Hub, empty, alerts int64, st *Standing) error {
	b.say("%s: start …", st.Engine)
	var times []time.Duration
	for n := range restarts {
		if err := h.Stop(); err != nil {
			return err
		}
		if n == 0 {
			full, err := h.Bytes(ctx)
			if err != nil {
				return err
			}
			st.BytesPerAlert = float64(full-empty) / float64(alerts)
		}
		took, err := h.Start(ctx)
		if err != nil {
			return err
		}
		times = append(times, took)
	}
	slices.Sort(times)
	st.ReadyMedian, st.ReadyWorst = milliseconds(times[len(times)/2]), milliseconds(times[len(times)-1])
	time.Sleep(idleSeconds * time.Second)
	var err error
	st.Resident, err = h.Resident()
	return err
}

// fresh runs fn on a new hub.
func (b *bench) fresh(ctx context.Context, f form, cluster *target.Cluster, setup target.Setup, fn func(*target.Hub, *load.Book) error) error {
	h, err := target.NewHub(ctx, b.binary, b.folder, cluster, setup)
	if err != nil {
		return err
	}
	if !setup.TakesIn {
		err = h.StartWorkers(ctx, f.workers)
	}
	if err == nil {
		err = h.Setup(ctx, setup)
	}
	if err == nil {
		err = fn(h, load.NewBook())
	}
	return errors.Join(err, h.Remove(ctx))
}

// noAnalyze keeps autovacuum from gathering statistics; it still removes dead rows.
const noAnalyze = "autovacuum_analyze_threshold=2147483647"

// trap sends alerts to a Postgres that never analyses its tables and reports the CPU of each ten thousand: a plan that was
// cached while the tables were empty would make them dearer and dearer.
func (b *bench) trap(ctx context.Context) (list []Figures, err error) {
	cluster, err := target.StartCluster(ctx, append(b.statistics(), noAnalyze)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	alone := form{engine: target.Postgres}
	err = b.fresh(ctx, alone, cluster, target.Setup{Receiver: b.receiver.URL(), Pipeline: "direct"}, func(h *target.Hub, book *load.Book) error {
		for from := int64(0); from < b.freshAlerts; from += trapStep {
			s := stage{
				name: fmt.Sprintf("fresh-%d", from), ends: "delivered", tells: true,
				plan: load.Plan{Clients: b.clients, Batch: 1, Alerts: min(trapStep, b.freshAlerts-from)},
			}
			f, err := b.run(ctx, alone, h, book, s)
			list = append(list, f)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if n := len(list); err == nil && n > 1 {
		first, last := list[0].HubCPU+list[0].DatabaseCPU, list[n-1].HubCPU+list[n-1].DatabaseCPU
		if last > first*trapRise {
			list[n-1].Problems = append(list[n-1].Problems, fmt.Sprintf("the last %d alerts cost %.0f us each, the first %.0f", trapStep, last, first))
		}
	}
	return list, err
}

const (
	trapStep = 10_000
	trapRise = 1.5 // more than noise (6 %) and checkpoints; a bad plan costs three to thirteen times
)
