package orchestration

import (
	"errors"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Runs that may tell hold their incident first, so that it does not end between what they read and what they say: a fold that ends it waits for
// them, or they see the end. The order of locks is everybody's: incident, deliveries, jobs, runs.
var (
	incidentOfRun = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT r.incident_id FROM runs r WHERE r.id = v.id AND r.incident_id IS NOT NULL LIMIT 1`)

	shareIncident = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id FROM incidents t WHERE t.id = (SELECT r.incident_id FROM runs r WHERE r.id = v.id) LIMIT 1 {share}`)

	shareFreeIncident = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id FROM incidents t WHERE t.id = (SELECT r.incident_id FROM runs r WHERE r.id = v.id) LIMIT 1 {skip shared}`)

	lockIncidentOfRun = storage.Lookup([]storage.Column{storage.Col("id", storage.UUID)}, `
		SELECT t.id FROM incidents t WHERE t.id = (SELECT r.incident_id FROM runs r WHERE r.id = v.id) LIMIT 1 {lock}`)
)

// errIncidentBusy ends a batch: somebody works on one of its incidents. Its members are done one by one then, and each may wait for its own.
var errIncidentBusy = errors.New("orchestration: somebody works on the incident")

// holdIncidents keeps the incidents of runs as they are until the transaction ends, and queues the look-up of what is on its way for them.
// Folds lock several in an order of their own, so only a run that is alone waits.
func (s *session) holdIncidents(runs []id.ID, how *storage.Statement) error {
	runs = unique(runs)
	if how == shareIncident && len(runs) > 1 {
		how = shareFreeIncident
	}
	all, locks := incidentOfRun.Rows(), how.Rows()
	for _, r := range runs {
		all.Add(r)
		locks.Add(r)
	}
	var incidents []id.ID
	free := map[id.ID]bool{}
	s.tx.Query(incidentOfRun, all, func(r storage.Row) error {
		var i id.ID
		err := r.Scan(&i)
		incidents = append(incidents, i)
		return err
	})
	s.tx.Query(how, locks, func(r storage.Row) error {
		var i id.ID
		err := r.Scan(&i)
		free[i] = true
		return err
	})
	if err := s.tx.Flush(); err != nil {
		return err
	}
	incidents = unique(incidents)
	if how == shareFreeIncident && len(free) < len(incidents) {
		return errIncidentBusy // or it is not there any more, which a member that is alone finds out
	}
	s.told.WantIncidents(incidents, nil)
	return nil
}

// actsAtOnce is how many acts one transaction may hold. On Postgres it is one: folds lock incidents in the order of their groups, and who holds an
// incident and waits for another may wait for a fold that waits for him.
func actsAtOnce(db *storage.DB) int {
	if db.Engine() == storage.Postgres {
		return 1
	}
	return 20
}
