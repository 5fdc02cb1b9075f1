package orchestration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type foldReceiptRow struct {
	ID         id.ID     `gorm:"column:id"`
	TenantID   string    `gorm:"column:tenant_id"`
	TraceID    string    `gorm:"column:trace_id"`
	Driver     string    `gorm:"column:driver"`
	Origin     string    `gorm:"column:origin"`
	ReceivedAt time.Time `gorm:"column:received_at"`
}

type foldObservationRow struct {
	ReceiptID      id.ID      `gorm:"column:receipt_id"`
	Idx            int        `gorm:"column:idx"`
	Seq            int64      `gorm:"column:seq"`
	Source         string     `gorm:"column:source"`
	Fingerprint    string     `gorm:"column:fingerprint"`
	Name           string     `gorm:"column:name"`
	Status         string     `gorm:"column:status"`
	Severity       string     `gorm:"column:severity"`
	Passive        bool       `gorm:"column:passive"`
	GroupKey       string     `gorm:"column:group_key"`
	VendorGroupKey string     `gorm:"column:vendor_group_key"`
	Description    string     `gorm:"column:description"`
	Labels         string     `gorm:"column:labels"`
	Annotations    string     `gorm:"column:annotations"`
	StartedAt      *time.Time `gorm:"column:started_at"`
	EndedAt        *time.Time `gorm:"column:ended_at"`
	Rejected       string     `gorm:"column:rejected"`
}

type foldLedgerRow struct {
	ReceiptID    id.ID  `gorm:"column:receipt_id"`
	Idx          int    `gorm:"column:idx"`
	DefinitionID id.ID  `gorm:"column:definition_id"`
	TenantID     string `gorm:"column:tenant_id"`
	RunID        id.ID  `gorm:"column:run_id"`
	State        string `gorm:"column:state"`
	Reason       string `gorm:"column:reason"`
	Trace        string `gorm:"column:trace"`
	Name         string `gorm:"column:definition_name"`
	Version      int64  `gorm:"column:definition_version"`
	Environment  string `gorm:"column:environment"`
	Source       string `gorm:"column:source"`
}

// parts splits claimed receipts, so that none but a single large one is more than one transaction takes.
func (f *Folder) parts(ctx context.Context, jobs []queue.Job) ([][]queue.Job, error) {
	ids := make([]id.ID, 0, len(jobs))
	for _, j := range jobs {
		ids = append(ids, j.Ref)
	}
	var rows []struct {
		ID id.ID `gorm:"column:id"`
		N  int   `gorm:"column:n"`
	}
	if err := f.db.Read(ctx).Raw(`SELECT id, n FROM receipts WHERE id IN ?`, ids).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read receipts: %w", storage.Classify(err))
	}
	n, all := make(map[id.ID]int, len(rows)), 0
	for _, r := range rows {
		n[r.ID] = r.N
		all += r.N
	}
	f.met(len(rows), all)
	parts, total := [][]queue.Job{nil}, 0
	for _, j := range jobs {
		last := len(parts) - 1
		if total += n[j.Ref]; total > maxBatch && len(parts[last]) > 0 {
			parts, total = append(parts, nil), n[j.Ref]
			last++
		}
		parts[last] = append(parts[last], j)
	}
	return parts, nil
}

// load reads receipts that this process did not accept, or lost from memory, as they were accepted.
func (f *Folder) load(ctx context.Context, jobs []queue.Job) ([]*foldItem, error) {
	byID := map[id.ID]*foldItem{}
	ids := make([]id.ID, 0, len(jobs))
	for _, j := range jobs {
		byID[j.Ref] = &foldItem{job: j}
		ids = append(ids, j.Ref)
	}
	db := f.db.Read(ctx)
	var receipts []foldReceiptRow
	var observations []foldObservationRow
	var rows []foldLedgerRow
	if err := errors.Join(
		db.Raw(`SELECT id, tenant_id, trace_id, driver, origin, received_at FROM receipts WHERE id IN ?`, ids).Scan(&receipts).Error,
		db.Raw(`SELECT receipt_id, idx, seq, source, fingerprint, name, status, severity, passive, group_key, vendor_group_key, description,
			labels, annotations, started_at, ended_at, rejected FROM observations WHERE receipt_id IN ? ORDER BY receipt_id, idx`, ids).
			Scan(&observations).Error,
		db.Raw(`SELECT l.receipt_id, l.idx, l.definition_id, l.tenant_id, l.run_id, l.state, l.reason, l.trace, r.definition_name,
			r.definition_version, r.environment, r.source FROM ledger l LEFT JOIN runs r ON r.id = l.run_id
			WHERE l.receipt_id IN ? ORDER BY l.receipt_id, l.idx`, ids).Scan(&rows).Error,
	); err != nil {
		return nil, fmt.Errorf("read receipts: %w", storage.Classify(err))
	}
	for _, r := range receipts {
		it := byID[r.ID]
		it.origin = r.Origin
		it.receipt = &event.Receipt{ID: r.ID, Tenant: r.TenantID, TraceID: r.TraceID, Driver: r.Driver, ReceivedAt: r.ReceivedAt.UTC()}
	}
	for _, o := range observations {
		stored, err := o.stored()
		if err != nil {
			return nil, err
		}
		byID[o.ReceiptID].receipt.Observations = append(byID[o.ReceiptID].receipt.Observations, stored)
	}
	runs := map[id.ID]*foldRun{}
	for _, l := range rows {
		if err := f.loadRow(ctx, byID[l.ReceiptID], l, runs); err != nil {
			return nil, err
		}
	}
	items := make([]*foldItem, 0, len(byID))
	for _, j := range jobs {
		if it := byID[j.Ref]; it.receipt != nil {
			items = append(items, it)
		}
	}
	return items, nil
}

func (f *Folder) loadRow(ctx context.Context, it *foldItem, l foldLedgerRow, runs map[id.ID]*foldRun) error {
	row := &event.LedgerRow{
		ReceiptID: l.ReceiptID, Index: l.Idx, DefinitionID: l.DefinitionID, Tenant: l.TenantID, RunID: l.RunID, State: l.State, Reason: l.Reason,
	}
	if err := json.Unmarshal([]byte(l.Trace), &row.Trace); err != nil {
		return fmt.Errorf("read a decision trace: %w", err)
	}
	it.rows = append(it.rows, row)
	if l.RunID.IsZero() {
		return nil
	}
	it.environment, it.source = l.Environment, l.Source
	fr := runs[l.RunID]
	if fr == nil {
		g, err := f.runner.catalog.Graph(ctx, l.DefinitionID, l.Version)
		if err != nil {
			return err
		}
		fr = &foldRun{id: l.RunID, route: newRoute(l.DefinitionID, l.Name, l.Version, g)}
		runs[l.RunID] = fr
		it.runs = append(it.runs, fr)
	}
	fr.rows = append(fr.rows, row)
	return nil
}

func (o *foldObservationRow) stored() (event.Stored, error) {
	out := event.Stored{
		Observation: event.Observation{
			Index: o.Idx, Fingerprint: o.Fingerprint, Name: o.Name, Status: event.Status(o.Status), Severity: event.Severity(o.Severity),
			Description: o.Description, VendorGroupKey: o.VendorGroupKey, Passive: o.Passive,
		},
		Seq: o.Seq, Source: o.Source, GroupKey: o.GroupKey, Rejected: o.Rejected,
	}
	if err := errors.Join(json.Unmarshal([]byte(o.Labels), &out.Labels), json.Unmarshal([]byte(o.Annotations), &out.Annotations)); err != nil {
		return out, fmt.Errorf("read an observation: %w", err)
	}
	if o.StartedAt != nil {
		out.StartedAt = o.StartedAt.UTC()
	}
	if o.EndedAt != nil {
		out.EndedAt = o.EndedAt.UTC()
	}
	return out, nil
}
