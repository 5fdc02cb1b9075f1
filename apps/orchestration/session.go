package orchestration

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// session is what one transaction does to runs: of folds, of node jobs, of outcomes.
type session struct {
	r        *Runner
	tx       *storage.Tx
	alerts   AlertFold // only in folds
	told     TellBatch
	jobs     *queue.Writes
	ledger   LedgerBatch
	runs     map[id.ID]*run
	order    []*run
	rows     []*event.LedgerRow
	live     map[pair]bool   // routes with an unfinished run for an incident
	rings    map[string]bool // queues that got work which is due now
	folded   *storage.Rows
	over     atomic.Bool // several of one transaction may say so at the same time
	compiled int         // runs whose graphs are ready
	signals  []signals.Event
	ends     []*run            // that ended, of definitions with a limit
	foreseen map[occasion]bool // whose deliveries were looked up before anybody tells of them
	retold   [][2]id.ID        // incidents and alerts that a fold has told again: no silence's end needs to
	failure  error             // of a look-up in the middle of a run
}

type pair struct{ incident, definition id.ID }

func (r *Runner) begin(tx *storage.Tx) *session {
	jobs := queue.NewWrites(r.lease)
	return &session{
		r: r, tx: tx, jobs: jobs, told: r.teller(tx, jobs), ledger: r.ledger(tx), runs: map[id.ID]*run{}, live: map[pair]bool{}, rings: map[string]bool{},
		folded: markFolded.Rows(),
	}
}

func (s *session) committed() {
	if s != nil && s.over.CompareAndSwap(false, true) {
		failpoint.Hit(failpoint.NodeCommitted)
		s.told.Committed()
		s.emit()
		s.ring()
	}
}

// ring wakes the queues that got work.
func (s *session) ring() {
	for q := range s.rings {
		s.r.bell.Ring(q)
	}
}

func (s *session) dropped() {
	if s != nil && s.over.CompareAndSwap(false, true) {
		s.told.Dropped()
	}
}

// settled is committed or dropped, by what became of the transaction; true: it was committed.
func (s *session) settled(err error) bool {
	if err != nil {
		s.dropped()
		return false
	}
	s.committed()
	return true
}

// wants queues the look-ups that decide about repeats, order and resolves.
func (s *session) wants(items []*foldItem) {
	var known, ending []id.ID
	var pairs [][2]id.ID
	for _, it := range items {
		incidents := make([]id.ID, len(it.receipt.Observations))
		for n := range it.receipt.Observations {
			o := &it.receipt.Observations[n]
			if o.Rejected != "" {
				continue
			}
			a := s.alerts.KnownAlert(it.receipt.Tenant, o)
			if a != nil && !a.IncidentID.IsZero() {
				incidents[n] = a.IncidentID
				known = append(known, a.IncidentID)
				if o.Status == event.StatusResolved {
					ending = append(ending, a.IncidentID)
				}
			}
			if i := s.alerts.OpenIncident(it.receipt.Tenant, o.GroupKey); i != nil {
				known = append(known, i.ID)
				if o.Status == event.StatusResolved { // of an alert that began in this batch
					ending = append(ending, i.ID)
				}
			}
		}
		for _, row := range it.rows {
			if i := incidents[row.Index]; !row.DefinitionID.IsZero() && !i.IsZero() && it.receipt.Observations[row.Index].Status == event.StatusFiring {
				pairs = append(pairs, [2]id.ID{i, row.DefinitionID})
			}
		}
	}
	s.told.WantIncidents(unique(known), unique(ending))
	slices.SortFunc(pairs, func(a, b [2]id.ID) int { return cmp.Or(compareID(a[0], b[0]), compareID(a[1], b[1])) })
	pairs = slices.Compact(pairs)
	s.told.WantTold(pairs)
	rows := liveRuns.Rows()
	for _, p := range pairs {
		rows.Add(p[0], p[1])
	}
	s.tx.Query(liveRuns, rows, func(r storage.Row) error {
		var p pair
		if err := r.Scan(&p.incident, &p.definition); err != nil {
			return err
		}
		s.live[p] = true
		return nil
	})
}

func compareID(a, b id.ID) int { return slices.Compare(a[:], b[:]) }

func unique(ids []id.ID) []id.ID {
	slices.SortFunc(ids, compareID)
	return slices.Compact(ids)
}
