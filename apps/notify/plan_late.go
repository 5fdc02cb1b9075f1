package notify

import (
	"cmp"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	s "github.com/incidenthub/incidenthub/internal/platform/storage"
)

// heldBackBy are the first delivery of an incident that a silence held back since anybody heard of it, and why.
var heldBackBy = s.Lookup([]s.Column{s.Col("incident_id", s.UUID)}, `
	SELECT t.created_at, t.detail FROM deliveries t
	WHERE t.incident_id = v.incident_id AND t.state = 'suppressed' AND t.reason IN ('silenced', 'maintenance') AND t.idem_key NOT LIKE 'dry:%'
	  AND t.event_seq > COALESCE((SELECT max(d.event_seq) FROM deliveries d WHERE d.incident_id = v.incident_id AND `+seen+`), -1)
	ORDER BY t.event_seq, t.id LIMIT 1`)

// whyLate is the sentence in front of what is told after a silence, "" for what nobody held back. Only an incident that is told again is
// looked up.
func (b *Batch) whyLate(t *event.Tell) string {
	if t.Event != event.EventRetold || t.Incident == nil || t.Dry || t.Suppress != "" {
		return ""
	}
	var since time.Time
	var detail string
	rows := heldBackBy.Rows()
	rows.Add(t.Incident.ID)
	b.tx.Query(heldBackBy, rows, func(r s.Row) error {
		if err := r.Scan(&since, &detail); err != nil {
			return fmt.Errorf("read what was held back: %w", err)
		}
		return nil
	})
	if err := b.tx.Flush(); err != nil {
		b.failed = cmp.Or(b.failed, err)
		return ""
	}
	if since.IsZero() {
		return ""
	}
	return lateSince(since, b.tx.Now()) + " It was " + line(detail, maxLine) + "."
}

// lateSince says that something was held back, and since when.
func lateSince(since, now time.Time) string {
	lasted := period.Span(since, now)
	if lasted == "" {
		lasted = "1 s"
	}
	return fmt.Sprintf("This was held back for %s, since %s.", lasted, stamp(since))
}
