package alerts

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// stored is every status an incident is stored with.
func stored() []event.IncidentStatus {
	return []event.IncidentStatus{event.IncidentOpen, event.IncidentAcknowledged, event.IncidentResolved, event.IncidentClosed}
}

// IncidentFilter narrows a list of incidents; zero fields do not.
type IncidentFilter struct {
	Statuses []string // any of them; StatusActive stands for two
	Severity string
	Text     string // part of the title, whatever the case
}

// Incidents lists incidents, newest first. Each status is read on its own in the order of its index and the parts are
// merged: one query for several would have to sort every incident that the hub has had.
func (r *Reader) Incidents(ctx context.Context, tenant string, f IncidentFilter, p storage.Paging) (storage.Page[Incident], error) {
	var all []Incident
	for _, status := range expand(f.Statuses) {
		q := r.db.Read(ctx).Table("incidents").Where("tenant_id = ? AND status = ?", tenant, status)
		if f.Severity != "" {
			q = q.Where("severity = ?", f.Severity)
		}
		if f.Text != "" {
			cond, args := storage.Like(f.Text, "title")
			q = q.Where(cond, args...)
		}
		var rows []Incident
		if err := p.Apply(q).Find(&rows).Error; err != nil {
			return storage.Page[Incident]{}, fmt.Errorf("list incidents: %w", storage.Classify(err))
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b Incident) int { return slices.Compare(b.ID[:], a.ID[:]) })
	// An incident that changed its status between two of the queries may have been read twice.
	all = slices.CompactFunc(all, func(a, b Incident) bool { return a.ID == b.ID })
	page := storage.PageOf(all, p, func(i *Incident) id.ID { return i.ID })
	if err := r.count(ctx, tenant, page.Items); err != nil {
		return storage.Page[Incident]{}, err
	}
	return page, nil
}

// Incident returns one incident with its alerts.
func (r *Reader) Incident(ctx context.Context, tenant string, incident id.ID) (IncidentDetail, error) {
	one := make([]Incident, 1)
	err := r.db.Read(ctx).Table("incidents").Where("tenant_id = ? AND id = ?", tenant, incident).Take(&one[0]).Error
	if err != nil {
		return IncidentDetail{}, storage.Missing(err, "incident "+incident.String())
	}
	if err := r.count(ctx, tenant, one); err != nil {
		return IncidentDetail{}, err
	}
	d := IncidentDetail{Incident: one[0]}
	// "firing" sorts before "resolved", and the index is by incident and status.
	err = r.db.Read(ctx).Table("alerts").Where("incident_id = ? AND tenant_id || '' = ?", incident, tenant).
		Order("status, id DESC").Limit(AlertLimit).Find(&d.Alerts).Error
	if err != nil {
		return IncidentDetail{}, fmt.Errorf("load the alerts of incident %s: %w", incident, storage.Classify(err))
	}
	r.deriveAll(d.Alerts)
	return d, nil
}

// Counts says how many incidents there are in each status.
func (r *Reader) Counts(ctx context.Context, tenant string) (IncidentCounts, error) {
	c := IncidentCounts{Active: map[event.Severity]int64{}}
	var byStatus []struct {
		Status event.IncidentStatus
		N      int64
	}
	err := r.db.Read(ctx).Raw("SELECT status, count(*) AS n FROM incidents WHERE tenant_id = ? GROUP BY status", tenant).Scan(&byStatus).Error
	if err != nil {
		return c, fmt.Errorf("count incidents: %w", storage.Classify(err))
	}
	to := map[event.IncidentStatus]*int64{
		event.IncidentOpen: &c.Open, event.IncidentAcknowledged: &c.Acknowledged, event.IncidentResolved: &c.Resolved, event.IncidentClosed: &c.Closed,
	}
	for _, row := range byStatus {
		if n, ok := to[row.Status]; ok {
			*n = row.N
		}
	}
	var bySeverity []struct {
		Severity event.Severity
		N        int64
	}
	err = r.db.Read(ctx).Raw("SELECT severity, count(*) AS n FROM incidents WHERE tenant_id = ? AND status IN (?, ?) GROUP BY severity",
		tenant, event.IncidentOpen, event.IncidentAcknowledged).Scan(&bySeverity).Error
	if err != nil {
		return c, fmt.Errorf("count active incidents: %w", storage.Classify(err))
	}
	for _, row := range bySeverity {
		c.Active[row.Severity] = row.N
	}
	return c, nil
}

// count fills in what incidents derive from their alerts, with one query for all of them.
func (r *Reader) count(ctx context.Context, tenant string, incidents []Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	at := make(map[id.ID]*Incident, len(incidents))
	ids := make([]id.ID, len(incidents))
	for i := range incidents {
		incidents[i].derive()
		ids[i] = incidents[i].ID
		at[ids[i]] = &incidents[i]
	}
	var rows []struct {
		IncidentID id.ID
		Status     event.Status
		Source     string
		N          int64
	}
	err := r.db.Read(ctx).Raw(`SELECT incident_id, status, source, count(*) AS n FROM alerts
		WHERE incident_id IN (?) AND tenant_id = ? GROUP BY incident_id, status, source`, ids, tenant).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("count the alerts of incidents: %w", storage.Classify(err))
	}
	for _, row := range rows {
		i := at[row.IncidentID]
		i.AlertCount += row.N
		if row.Status == event.StatusFiring {
			i.FiringAlertCount += row.N
		}
		i.Sources = append(i.Sources, row.Source)
	}
	for i := range incidents {
		slices.Sort(incidents[i].Sources)
		incidents[i].Sources = slices.Compact(incidents[i].Sources)
	}
	return r.instances(ctx, tenant, ids, at)
}

// instances names what each incident is about: the instance of its newest alert.
func (r *Reader) instances(ctx context.Context, tenant string, ids []id.ID, at map[id.ID]*Incident) error {
	var rows []struct {
		IncidentID id.ID
		Labels     storage.JSON[map[string]string]
	}
	err := r.db.Read(ctx).Raw(`SELECT incident_id, labels FROM (
			SELECT incident_id, labels, row_number() OVER (PARTITION BY incident_id ORDER BY id DESC) AS nr FROM alerts
			WHERE incident_id IN (?) AND tenant_id = ?) newest
		WHERE nr = 1`, ids, tenant).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("load what incidents are about: %w", storage.Classify(err))
	}
	for _, row := range rows {
		at[row.IncidentID].Instance = event.Instance(row.Labels.V)
	}
	return nil
}

// expand replaces StatusActive, drops what is no status, and takes an empty list for all of them.
func expand(wanted []string) []event.IncidentStatus {
	var out []event.IncidentStatus
	for _, s := range stored() {
		if len(wanted) == 0 || slices.Contains(wanted, string(s)) || s.Active() && slices.Contains(wanted, StatusActive) {
			out = append(out, s)
		}
	}
	return out
}

// newestFirst orders a timeline; what happened in the same microsecond keeps incidents above alerts and later events above
// earlier ones.
func newestFirst(a, b TimelineEntry) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Kind, a.Kind), cmp.Compare(b.Seq, a.Seq))
}
