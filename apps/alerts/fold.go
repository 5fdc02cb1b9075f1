package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// AutoResolved is the summary of an incident whose alerts are all resolved.
const AutoResolved = "All alerts resolved automatically."

// Batch folds receipts into alerts and incidents within one transaction, in memory between two rounds of look-ups and one
// of writes. Its use: Lock, flush, Load, flush, then Fold per receipt in order of seq, then Write.
type Batch struct {
	tx        *storage.Tx
	receipts  []*event.Receipt
	alerts    map[alertKey]*alertState
	incidents map[id.ID]*incidentState
	open      map[groupKey]*incidentState
	firing    map[id.ID]int // only of incidents that may be resolved here
	events    *storage.Rows
	history   *storage.Rows
}

type alertKey struct{ tenant, source, fingerprint string }

type groupKey struct{ tenant, key string }

type alertState struct {
	event.Alert
	tenant  string
	receipt id.ID
	trace   string
	fresh   bool
	dirty   bool
}

type incidentState struct {
	event.Incident
	tenant string
	trace  string
	fresh  bool
	dirty  bool
}

// Begin starts the fold of receipts in tx.
func Begin(tx *storage.Tx, receipts []*event.Receipt) *Batch {
	return &Batch{
		tx: tx, receipts: receipts,
		alerts: map[alertKey]*alertState{}, incidents: map[id.ID]*incidentState{}, open: map[groupKey]*incidentState{},
		firing: map[id.ID]int{}, events: insertEvent.Rows(), history: insertHistory.Rows(),
	}
}

// Lock queues the look-ups by what the observations say: their alerts, and the open incidents of their groups.
func (b *Batch) Lock() {
	var keys []alertKey
	var groups []groupKey
	b.each(func(k alertKey, o *event.Stored) {
		keys = append(keys, k)
		groups = append(groups, groupKey{k.tenant, o.GroupKey})
	})
	rows := lockAlerts.Rows()
	slices.SortFunc(keys, func(x, y alertKey) int {
		return cmp.Or(cmp.Compare(x.tenant, y.tenant), cmp.Compare(x.source, y.source), cmp.Compare(x.fingerprint, y.fingerprint))
	})
	for _, k := range slices.Compact(keys) {
		rows.Add(k.tenant, k.source, k.fingerprint)
	}
	b.tx.Query(lockAlerts, rows, b.scanAlert)

	slices.SortFunc(groups, func(x, y groupKey) int { return cmp.Or(cmp.Compare(x.tenant, y.tenant), cmp.Compare(x.key, y.key)) })
	rows = lockOpen.Rows()
	for _, g := range slices.Compact(groups) {
		rows.Add(g.tenant, g.key)
	}
	b.tx.Query(lockOpen, rows, b.scanIncident)
}

// Load queues the look-ups that the known alerts ask for: their incidents, and how much still fires where something ends.
func (b *Batch) Load() {
	var wanted, ending []id.ID
	for _, a := range b.alerts {
		if !a.IncidentID.IsZero() && b.incidents[a.IncidentID] == nil {
			wanted = append(wanted, a.IncidentID)
		}
	}
	// An alert that ends may have begun in this batch, in an incident that was open before it.
	ends := map[alertKey]bool{}
	b.each(func(k alertKey, o *event.Stored) { ends[k] = ends[k] || o.Status == event.StatusResolved })
	b.each(func(k alertKey, o *event.Stored) {
		if !ends[k] {
			return
		}
		if a := b.alerts[k]; a != nil && !a.IncidentID.IsZero() {
			ending = append(ending, a.IncidentID)
		}
		if inc := b.open[groupKey{k.tenant, o.GroupKey}]; inc != nil {
			ending = append(ending, inc.ID)
		}
	})
	rows := lockIncidents.Rows()
	for _, i := range sortedIDs(wanted) {
		rows.Add(i)
	}
	b.tx.Query(lockIncidents, rows, b.scanIncident)
	rows = countFiring.Rows()
	for _, i := range sortedIDs(ending) {
		rows.Add(i)
	}
	b.tx.Query(countFiring, rows, func(r storage.Row) error {
		var i id.ID
		var n int
		if err := r.Scan(&i, &n); err != nil {
			return err
		}
		b.firing[i] = n
		return nil
	})
}

// each goes through the usable observations of the batch.
func (b *Batch) each(fn func(k alertKey, o *event.Stored)) {
	for _, r := range b.receipts {
		for n := range r.Observations {
			if o := &r.Observations[n]; o.Rejected == "" {
				fn(alertKey{r.Tenant, o.Source, o.Fingerprint}, o)
			}
		}
	}
}

// Incident returns the state of an incident that this batch knows, or nil.
func (b *Batch) Incident(i id.ID) *event.Incident {
	if st := b.incidents[i]; st != nil {
		return &st.Incident
	}
	return nil
}

// KnownAlert returns the alert that an observation is about as it stands in this batch, or nil.
func (b *Batch) KnownAlert(tenant string, o *event.Stored) *event.Alert {
	if a := b.alerts[alertKey{tenant, o.Source, o.Fingerprint}]; a != nil {
		return &a.Alert
	}
	return nil
}

// Retell records that an unchanged incident must be told after all, and returns the number of that event.
func (b *Batch) Retell(incident id.ID, trace, why string, at time.Time) int64 {
	inc := b.incidents[incident]
	inc.trace = trace
	return b.event(inc, event.EventRetold, map[string]any{"why": why}, at)
}

func sortedIDs(ids []id.ID) []id.ID {
	slices.SortFunc(ids, func(x, y id.ID) int { return slices.Compare(x[:], y[:]) })
	return slices.Compact(ids)
}

// OpenIncident returns the open incident of a group as this batch knows it, or nil.
func (b *Batch) OpenIncident(tenant, key string) *event.Incident {
	if st := b.open[groupKey{tenant, key}]; st != nil {
		return &st.Incident
	}
	return nil
}
