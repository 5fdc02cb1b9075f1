package intelligence

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// lastAnalysis is the newest analysis of an incident that is over and concludes something: the facts alone do not.
var lastAnalysis = storage.Lookup([]storage.Column{storage.Col("incident_id", storage.UUID), storage.Col("tenant_id", storage.Text)}, `
	SELECT t.id, t.provider, t.record, t.model_name, t.rung, t.error_class, t.fallback_used, t.grounded, t.truncated, t.cached, t.summary, t.probable_cause,
	       COALESCE(CAST(t.confidence AS text), '') AS confidence, t.recommendations, t.created_at
	FROM analyses t WHERE t.incident_id = v.incident_id AND t.tenant_id || '' = v.tenant_id AND t.rung IN ('provider', 'local') ORDER BY t.id DESC LIMIT 1`)

// Last is the newest analysis of an incident as tx sees it: what it says, who said it and when (StartedAt), without what went in. Those that
// state no more than the facts are passed over; nil is none.
func Last(tx *storage.Tx, tenant string, incident id.ID) (*Analysis, error) {
	var a *Analysis
	rows := lastAnalysis.Rows()
	rows.Add(incident, tenant)
	tx.Query(lastAnalysis, rows, func(r storage.Row) error {
		one := &Analysis{}
		var confidence string
		var items json.RawMessage
		if err := r.Scan(&one.ID, &one.Provider, &one.Record, &one.Model, &one.Rung, &one.ErrorClass, &one.FallbackUsed, &one.Grounded, &one.Truncated, &one.Cached,
			&one.Summary, &one.ProbableCause, &confidence, &items, &one.StartedAt); err != nil {
			return fmt.Errorf("read an analysis: %w", err)
		}
		if n, err := strconv.ParseFloat(confidence, 64); err == nil {
			one.Confidence = &n
		}
		if err := json.Unmarshal(items, &one.Recommendations); err != nil {
			return fmt.Errorf("read the recommendations of analysis %s: %w", one.ID, err)
		}
		a = one
		return nil
	})
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	return a, nil
}
