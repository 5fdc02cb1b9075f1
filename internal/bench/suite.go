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
	stageAccept  = "accept"
	stageTell    = "end-to-end"
	stagePace    = "pace"
	stageBatch   = "batch"
	stageRepeat  = "repeat"
)

// loads are what --only takes; the end-to-end load brings the pace, the starts and the disk with it.
func loads() []string { return []string{stageNoRoute, stageAccept, stageBatch, stageRepeat, stageTell} }

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

// engine measures one engine; cluster is nil for SQLite.
func (b *bench) engine(ctx context.Context, name string, cluster *target.Cluster) (list []Figures, st Standing, err error) {
	st.Engine = name
	add := func(setup target.Setup, s stage) error {
		return b.fresh(ctx, cluster, setup, func(h *target.Hub, book *load.Book) error {
			f, err := b.run(ctx, name, h, book, s)
			list = append(list, f)
			return err
		})
	}
	batch := b.plan()
	batch.Batch = batchSize
	tells := target.Setup{Receiver: b.receiver.URL()}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{stageNoRoute, func() error {
			return add(target.Setup{NoRoute: true}, stage{name: stageNoRoute, plan: b.plan(), ends: "no_route"})
		}},
		{stageAccept, func() error { return add(target.Setup{}, stage{name: stageAccept, plan: b.plan(), ends: "delivered"}) }},
		{stageBatch, func() error { return add(target.Setup{}, stage{name: stageBatch, plan: batch, ends: "delivered"}) }},
		{stageRepeat, func() error {
			return b.fresh(ctx, cluster, tells, func(h *target.Hub, book *load.Book) error {
				f, err := b.repeat(ctx, name, h, book)
				list = append(list, f)
				return err
			})
		}},
		{stageTell, func() error {
			return b.fresh(ctx, cluster, tells, func(h *target.Hub, book *load.Book) error {
				more, err := b.tell(ctx, name, h, book, &st)
				list = append(list, more...)
				return err
			})
		}},
	} {
		if b.only != "" && b.only != part.name {
			continue
		}
		if err := part.run(); err != nil {
			return list, st, err
		}
	}
	return list, st, nil
}

// repeat tells 1,000 alerts and sends them again and again.
func (b *bench) repeat(ctx context.Context, name string, h *target.Hub, book *load.Book) (Figures, error) {
	first := load.Plan{Clients: b.clients, Batch: 1, Alerts: repeated}
	f, err := b.run(ctx, name, h, book, stage{name: "first-" + stageRepeat, plan: first, ends: "delivered", tells: true})
	if err != nil || len(f.Problems) > 0 {
		return f, err
	}
	again := load.Plan{Clients: b.clients, Batch: 1, Distinct: repeated, Alerts: repeats}
	return b.run(ctx, name, h, book, stage{name: stageRepeat, plan: again, ends: "suppressed"})
}

// tell measures the whole way to the receiver, and what the hub costs standing on the data that this leaves.
func (b *bench) tell(ctx context.Context, name string, h *target.Hub, book *load.Book, st *Standing) ([]Figures, error) {
	empty, err := h.Bytes(ctx)
	if err != nil {
		return nil, err
	}
	all, err := b.run(ctx, name, h, book, stage{name: stageTell, plan: b.plan(), ends: "delivered", tells: true})
	if err != nil {
		return []Figures{all}, err
	}
	pace := load.Plan{Clients: b.clients, Batch: 1, Rate: paceRate, For: time.Duration(b.seconds) * time.Second}
	paced, err := b.run(ctx, name, h, book, stage{name: stagePace, plan: pace, ends: "delivered", tells: true})
	list := []Figures{all, paced}
	if err != nil {
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
func (b *bench) fresh(ctx context.Context, cluster *target.Cluster, setup target.Setup, fn func(*target.Hub, *load.Book) error) error {
	h, err := target.NewHub(ctx, b.binary, b.folder, cluster)
	if err != nil {
		return err
	}
	err = h.Setup(ctx, setup)
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
	err = b.fresh(ctx, cluster, target.Setup{Receiver: b.receiver.URL()}, func(h *target.Hub, book *load.Book) error {
		for from := int64(0); from < b.freshAlerts; from += trapStep {
			s := stage{
				name: fmt.Sprintf("fresh-%d", from), ends: "delivered", tells: true,
				plan: load.Plan{Clients: b.clients, Batch: 1, Alerts: min(trapStep, b.freshAlerts-from)},
			}
			f, err := b.run(ctx, target.Postgres, h, book, s)
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
