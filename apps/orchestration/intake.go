package orchestration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// What became of a push as a whole.
const (
	OutcomeQueued   = "queued"
	OutcomeNoRoute  = "no_route"
	OutcomeIgnored  = "ignored"
	OutcomeRejected = "rejected"
)

// Errors of Accept.
var (
	// ErrOverloaded asks the sender to come back: nothing was stored.
	ErrOverloaded = errors.New("too many alerts are waiting to be stored")
	// ErrUnknownPipeline is returned for a ?pipeline= that is not an active definition.
	ErrUnknownPipeline = errors.New("no active pipeline has this name")
	errStale           = errors.New("the configuration has changed meanwhile")
)

// Bounds of what waits for its commit: pushes, and observations in them. One push is always taken.
const (
	maxWaiting      = 4000
	maxObservations = 20_000
)

// Entry is the configured source that a push came in by.
type Entry struct {
	ID          id.ID
	Name        string
	SourceName  string   // replaces the alerts' source
	GroupBy     []string // labels; empty: name and instance
	VendorGroup bool     // group by the sender's own key
}

// Push is one parsed body on its way in. Every source enters by it: webhooks, checks, monitors, workloads.
type Push struct {
	Tenant      string
	Entry       Entry
	On          string // trigger kind: webhook, check …
	Origin      string // incoming_webhook, checker_generated, manual
	Driver      string
	DeliveryKey string // the sender's own id of this delivery, "" when it has none
	Headers     map[string]string
	Body        []byte
	Parsed      event.Parsed
	Unusable    string // why no item of it can be used; it is kept for a look and a second try
	NoIncidents bool   // its alerts belong to none, so that nobody is told of them
	Pipeline    string // forces a definition, by name
	Own         string // the definition, by name, that takes what no trigger takes: it made these alerts
	Route       *Route // forces this one
	Source      string // what its runs show as theirs; "": the alerts' driver, or the entry's name for them
	Environment string
	TraceID     string
	ReprocessOf id.ID
	// At and Receipt are for rehearsals: when the push really came in, and the id of its receipt. Zero: now, and a new one.
	At      time.Time
	Receipt id.ID
}

// Accepted is what the sender hears.
type Accepted struct {
	ReceiptID id.ID
	TraceID   string
	RunIDs    []id.ID
	Outcome   string
	Reason    string
	Duplicate bool
}

// Intake is the one door by which observations enter.
type Intake struct {
	db      *storage.DB
	catalog *Catalog
	fold    *Folder
	lease   time.Duration
	accept  *storage.Queue[*acceptance]
	// underWay counts pushes that wait for their commit or are in it.
	underWay atomic.Int64
	weight   atomic.Int64 // of them, in observations
	reload   func(ctx context.Context) error
	ledger   func(tx *storage.Tx) LedgerBatch
	Default  string // definition for pushes that no route takes, "" for none
}

// acceptance is a push while it is being stored.
type acceptance struct {
	push     *Push
	at       time.Time
	item     *foldItem
	encoding int // of body
	body     []byte
	headers  []byte
	outcome  string
	reason   string
	routes   *routes
	leased   bool
	existing *Accepted // the first receipt of a repeated delivery key
}

// Weight implements storage.Weighed.
func (a *acceptance) Weight() int { return a.item.Weight() }

// Accept stores a push with everything that will become of it, in one transaction, and returns when that is on disk.
func (i *Intake) Accept(ctx context.Context, p *Push) (Accepted, error) {
	if i.accept.Len() > maxWaiting || i.weight.Load() > maxObservations {
		return Accepted{}, ErrOverloaded
	}
	if p.TraceID == "" {
		p.TraceID = trace.New()
	}
	looked := false
	for range 10 {
		a, err := i.prepare(ctx, p)
		if errors.Is(err, ErrUnknownPipeline) && !looked {
			looked = true // it may be new
			if err := i.fold.runner.current(ctx); err != nil {
				return Accepted{}, err
			}
			continue
		}
		if err != nil {
			return Accepted{}, err
		}
		err = i.store(ctx, a)
		switch {
		case errors.Is(err, errStale):
			if err := i.reload(ctx); err != nil {
				return Accepted{}, err
			}
			continue
		case err != nil:
			return Accepted{}, fmt.Errorf("store the alerts: %w", err)
		case a.existing != nil:
			return *a.existing, nil
		}
		return i.committed(a), nil
	}
	return Accepted{}, fmt.Errorf("%w: %w", storage.ErrUnavailable, errStale)
}

// store waits for the commit. The fold gets the receipt on the writer, right after the commit, so that receipts are folded in the
// order of their observations' numbers.
func (i *Intake) store(ctx context.Context, a *acceptance) error {
	select {
	case err := <-i.submit(a):
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit: %w", ctx.Err())
	}
}

// submit hands a push to the writer; the channel hears of its commit.
func (i *Intake) submit(a *acceptance) chan error {
	done := make(chan error, 1)
	weight := int64(a.Weight())
	i.weight.Add(weight)
	if i.underWay.Add(1) >= burst {
		i.fold.crowd()
	}
	i.accept.Submit(a, func(err error) {
		i.underWay.Add(-1)
		i.weight.Add(-weight)
		i.fold.accepted()
		if err == nil {
			failpoint.Hit(failpoint.Committed)
		}
		switch {
		case !a.leased:
		case err != nil || a.existing != nil:
			i.fold.unreserve(a.item)
		default:
			i.fold.submit(a.item)
		}
		done <- err
	})
	return done
}

func (i *Intake) committed(a *acceptance) Accepted {
	out := Accepted{ReceiptID: a.item.receipt.ID, TraceID: a.push.TraceID, Outcome: a.outcome, Reason: a.reason, RunIDs: a.runs()}
	if !a.leased && !a.item.job.Ref.IsZero() {
		i.fold.bell.Ring(QueueIngest)
	}
	return out
}

// runs are those that the push began; shadows are nobody's answer.
func (a *acceptance) runs() []id.ID {
	out := []id.ID{}
	for _, r := range a.item.runs {
		if !r.route.Shadow {
			out = append(out, r.id)
		}
	}
	return out
}

func (i *Intake) prepare(ctx context.Context, p *Push) (*acceptance, error) {
	now := i.db.Now()
	a := &acceptance{push: p, at: now, routes: i.catalog.now.Load()}
	if !p.At.IsZero() {
		a.at = clock.Cut(p.At)
	}
	a.encoding, a.body = pack.Pack(p.Body)
	a.headers = doc.Texts(p.Headers)
	r := &event.Receipt{ID: id.New(), Tenant: p.Tenant, TraceID: p.TraceID, Driver: p.Driver, ReceivedAt: a.at}
	a.item = &foldItem{receipt: r, origin: p.Origin, environment: p.Environment, source: p.runSource(), entry: p.Entry.Name}
	r.Observations = p.Stored()
	switch {
	case p.Unusable != "":
		a.outcome, a.reason = OutcomeRejected, p.Unusable
	case len(p.Parsed.Observations) == 0 && p.Parsed.Ignored != "":
		a.outcome, a.reason = OutcomeIgnored, p.Parsed.Ignored
	default:
		if err := i.route(ctx, a); err != nil {
			return nil, err
		}
	}
	i.reject(a)
	if a.outcome == OutcomeQueued || a.outcome == OutcomeNoRoute {
		a.item.job = queue.Job{
			Kind: JobFold, Ref: r.ID, Tenant: p.Tenant, Queue: QueueIngest, Attempt: 1, Until: now.Add(i.lease),
		}
		if a.leased = i.fold.reserve(a.item); a.leased {
			a.item.job.Token = id.New()
		}
	}
	return a, nil
}

// reservedSources name the hub's own sources; a generic payload cannot pose as one.
var reservedSources = []string{event.SourceChecks, "cluster", "incidenthub"}

// Stored are the observations of a push as they are stored: with their sources and group keys, in body order, unusable items among them.
func (p *Push) Stored() []event.Stored {
	list := make([]event.Stored, 0, len(p.Parsed.Observations)+len(p.Parsed.Rejected))
	for n := range p.Parsed.Observations {
		o := event.Stored{Observation: p.Parsed.Observations[n]}
		o.Source = p.source(&o.Observation)
		o.GroupKey = p.groupKey(&o.Observation)
		if o.VendorGroupKey == "" {
			o.VendorGroupKey = p.Parsed.GroupKey
		}
		list = append(list, o)
	}
	for _, rej := range p.Parsed.Rejected {
		list = append(list, event.Stored{Observation: event.Observation{Index: rej.Index}, Rejected: rej.Reason})
	}
	if p.Unusable != "" && len(list) == 0 {
		list = append(list, event.Stored{Rejected: p.Unusable})
	}
	slices.SortStableFunc(list, func(x, y event.Stored) int { return x.Index - y.Index })
	for n := range list {
		list[n].Index = n
	}
	return list
}

func (p *Push) source(o *event.Observation) string {
	switch {
	case p.Entry.SourceName != "":
		return p.Entry.SourceName
	case o.Source != "":
		if p.On == "webhook" && slices.Contains(reservedSources, strings.ToLower(o.Source)) {
			return p.Driver
		}
		return o.Source
	case p.Parsed.Source != "" && !slices.Contains(reservedSources, strings.ToLower(p.Parsed.Source)):
		return p.Parsed.Source
	default:
		return p.Driver
	}
}

func (p *Push) groupKey(o *event.Observation) string {
	switch {
	case p.NoIncidents:
		return ""
	case p.Entry.VendorGroup && o.VendorGroupKey != "":
		return event.GroupKey("vendor", o.VendorGroupKey)
	case p.Entry.VendorGroup && p.Parsed.GroupKey != "":
		return event.GroupKey("vendor", p.Parsed.GroupKey)
	case len(p.Entry.GroupBy) > 0:
		parts := make([]string, 0, 2*len(p.Entry.GroupBy)+1)
		parts = append(parts, "labels")
		for _, l := range p.Entry.GroupBy {
			parts = append(parts, l, o.Labels[l])
		}
		return event.GroupKey(parts...)
	}
	name := o.Name
	if name == "" {
		name = event.FallbackName
	}
	return event.GroupKey(name, event.Instance(o.Labels))
}

func (i *Intake) reject(a *acceptance) {
	for n := range a.item.receipt.Observations {
		o := &a.item.receipt.Observations[n]
		if o.Rejected == "" && a.outcome != OutcomeRejected {
			continue
		}
		reason, why := event.ReasonBadItem, o.Rejected
		if a.outcome == OutcomeRejected {
			reason, why = event.ReasonUnusable, a.reason
		}
		a.item.rows = append(a.item.rows, &event.LedgerRow{
			ReceiptID: a.item.receipt.ID, Index: o.Index, Tenant: a.push.Tenant, State: event.StateRejected, Reason: reason,
			Trace: []event.Decision{{What: "parse", Name: a.push.Driver, Result: "rejected", Why: why}},
		})
	}
}
