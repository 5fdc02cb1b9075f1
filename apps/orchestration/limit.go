package orchestration

import (
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// A definition with max_concurrency lets so many of its runs work on slow nodes at once. A run holds its place from its first slow node
// until it ends; others go back to the queue, and the one that waits longest is woken when a place is free. Notifications do not
// wait for it: their enrichment deadline runs meanwhile.
var (
	// lockDefinitions makes those who ask for places of one definition wait for each other.
	lockDefinitions = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `SELECT t.id FROM definitions t WHERE t.id = v.id {lock}`)

	countSlots = storage.Lookup([]storage.Column{storage.Col("definition_id", storage.UUID), storage.Col("run_id", storage.UUID)}, `
		SELECT v.definition_id, v.run_id, sum(CASE WHEN t.held THEN 1 ELSE 0 END) AS held,
		       sum(CASE WHEN t.held AND t.run_id = v.run_id THEN 1 ELSE 0 END) AS mine
		FROM run_slots t WHERE t.definition_id = v.definition_id GROUP BY 1, 2`)

	takeSlot = storage.Insert("run_slots", []storage.Column{
		storage.Col("definition_id", storage.UUID), storage.Col("run_id", storage.UUID), storage.Col("tenant_id", storage.Text), storage.Col("held", storage.Bool),
	}, "ON CONFLICT (definition_id, run_id) DO UPDATE SET held = excluded.held")

	freeSlot = storage.Delete("run_slots", []storage.Column{storage.Col("definition_id", storage.UUID), storage.Col("run_id", storage.UUID)},
		"t.definition_id = v.definition_id AND t.run_id = v.run_id", "")

	nextSlots = storage.Lookup([]storage.Column{storage.Col("definition_id", storage.UUID), storage.Col("n", storage.Int)}, `
		SELECT t.run_id FROM run_slots t WHERE t.definition_id = v.definition_id AND NOT t.held ORDER BY t.run_id LIMIT v.n`)
)

// slotWait is how long a run waits for its turn when nobody wakes it.
const slotWait = 30 * time.Second

// turns decides which of the claimed jobs may work now; the others go back.
func (s *session) turns(items []*slowItem) error {
	definitions, asked := lockDefinitions.Rows(), countSlots.Rows()
	var limited []*slowItem
	for _, it := range items {
		if x := s.runs[it.job.Ref]; it.held && x != nil && x.graph.MaxRuns > 0 && !x.state.Run.Final() {
			limited = append(limited, it)
		}
	}
	if limited == nil {
		return nil
	}
	slices.SortFunc(limited, func(a, b *slowItem) int {
		return compareID(s.runs[a.job.Ref].definition, s.runs[b.job.Ref].definition)
	})
	for _, it := range limited {
		x := s.runs[it.job.Ref]
		definitions.Add(x.definition)
		asked.Add(x.definition, x.id)
	}
	held, mine := map[id.ID]int{}, map[id.ID]bool{}
	s.tx.Query(lockDefinitions, definitions, func(r storage.Row) error { var d id.ID; return r.Scan(&d) })
	if err := s.tx.Flush(); err != nil { // first the lock, then the count
		return err
	}
	s.tx.Query(countSlots, asked, func(r storage.Row) error {
		var definition, run id.ID
		var n, own int
		if err := r.Scan(&definition, &run, &n, &own); err != nil {
			return err
		}
		held[definition], mine[run] = n, own > 0
		return nil
	})
	if err := s.tx.Flush(); err != nil {
		return err
	}
	places := takeSlot.Rows()
	var back []queue.Back
	for _, it := range limited {
		x := s.runs[it.job.Ref]
		switch {
		case mine[x.id]:
		case held[x.definition] < x.graph.MaxRuns:
			held[x.definition]++
			mine[x.id] = true
			places.Add(x.definition, x.id, x.tenant, true)
		default:
			it.held = false
			places.Add(x.definition, x.id, x.tenant, false)
			back = append(back, queue.Back{Job: it.job, After: slotWait})
		}
	}
	s.tx.Exec(takeSlot, places)
	queue.GiveBack(s.tx, back, nil)
	return nil
}

// left gives back the places of runs that have ended, and wakes who waits for them.
func (s *session) left() {
	if len(s.ends) == 0 {
		return
	}
	free, next := freeSlot.Rows(), nextSlots.Rows()
	ended := map[id.ID]int{}
	for _, x := range s.ends {
		free.Add(x.definition, x.id)
		ended[x.definition]++
	}
	for definition, n := range ended {
		next.Add(definition, n)
	}
	s.tx.Exec(freeSlot, free)
	s.tx.Query(nextSlots, next, func(r storage.Row) error {
		var run id.ID
		if err := r.Scan(&run); err != nil {
			return err
		}
		s.jobs.WakeAll(JobNode, run)
		return nil
	})
	if err := s.tx.Flush(); err != nil {
		s.failure = err
		return
	}
	s.rings[QueueContext], s.rings[QueueIntelligence] = true, true
}
