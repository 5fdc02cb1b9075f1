package notify

import (
	"context"
	"slices"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

const (
	otherColumns = `SELECT d.id, COALESCE(c.name, g.name, '') AS channel_name, d.kind, d.state, d.reason, d.cause, d.instead_id
		FROM deliveries d LEFT JOIN channels c ON c.id = d.channel_id AND c.tenant_id = d.tenant_id
		LEFT JOIN former_channels g ON g.channel_id = d.channel_id AND g.tenant_id = d.tenant_id WHERE d.tenant_id = ? AND `
	// mostRelated bounds the deliveries that are shown beside one: after a throttle one tells what many did not.
	mostRelated = 50
)

// related reads who stood in for a delivery, and for whom it stands in.
func (r *Reader) related(ctx context.Context, tenant string, d *DeliveryDetail) error {
	d.Instead, d.StandsIn = []OtherView{}, []OtherView{}
	for next := d.InsteadID; !next.IsZero() && len(d.Instead) < mostRelated; {
		seen := next == d.ID || slices.ContainsFunc(d.Instead, func(o OtherView) bool { return o.ID == next })
		var one []OtherView
		if seen {
			break
		}
		if err := r.db.Read(ctx).Raw(otherColumns+"d.id = ?", tenant, next).Scan(&one).Error; err != nil {
			return err
		}
		if next = (id.ID{}); len(one) > 0 {
			d.Instead, next = append(d.Instead, one[0]), one[0].InsteadID
		}
	}
	if d.IncidentID.IsZero() {
		return nil
	}
	// No index knows them by who stood in, but they are of the same incident.
	return r.db.Read(ctx).Raw(otherColumns+"d.incident_id = ? AND d.instead_id = ? ORDER BY d.id DESC LIMIT ?", tenant, d.IncidentID, d.ID, mostRelated).
		Scan(&d.StandsIn).Error
}
