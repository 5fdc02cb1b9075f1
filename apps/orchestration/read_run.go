package orchestration

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// RunFilter narrows a list of runs; zero fields do not. Incident and Receipt are looked up by index.
type RunFilter struct {
	Status         string // on the wire: pending, ingested, …
	State          string // pending, running, retrying, succeeded, failed, canceled
	Source         string
	Definition     id.ID
	DefinitionName string
	Incident       id.ID
	Receipt        id.ID
}

// receiptRuns finds the runs of a receipt by way of the ledger, whose key begins with the receipt.
const receiptRuns = "id IN (SELECT run_id FROM ledger WHERE receipt_id = ? AND tenant_id = ? AND run_id IS NOT NULL)"

// Runs lists runs, newest first.
func (r *Reader) Runs(ctx context.Context, tenant string, f RunFilter, p storage.Paging) (storage.Page[Run], error) {
	q := r.db.Read(ctx).Table("runs").Where("tenant_id = ?", tenant)
	for _, c := range []struct{ column, value string }{
		{"status", f.Status}, {"source", f.Source}, {"definition_name", f.DefinitionName},
	} {
		if c.value != "" {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	if f.State != "" {
		q = storage.Seldom(q, "state", []string{f.State}, "state = 'failed'", "failed")
	}
	if !f.Definition.IsZero() {
		q = q.Where("definition_id = ?", f.Definition)
	}
	if !f.Incident.IsZero() {
		q = q.Where("incident_id = ?", f.Incident)
	}
	if !f.Receipt.IsZero() {
		q = q.Where(receiptRuns, f.Receipt, tenant)
	}
	var rows []Run
	if err := p.Apply(q).Find(&rows).Error; err != nil {
		return storage.Page[Run]{}, fmt.Errorf("list runs: %w", storage.Classify(err))
	}
	for i := range rows {
		rows[i].derive()
	}
	return storage.PageOf(rows, p, func(r *Run) id.ID { return r.ID }), nil
}

func (r *Reader) runsOfReceipt(ctx context.Context, tenant string, receipt id.ID) ([]Run, error) {
	page, err := r.Runs(ctx, tenant, RunFilter{Receipt: receipt}, storage.Paging{})
	return page.Items, err
}

// Run returns one run with its nodes, their attempts, the definition it executes, and its deliveries.
func (r *Reader) Run(ctx context.Context, tenant string, run id.ID) (RunDetail, error) {
	d := RunDetail{Deliveries: []RunDelivery{}, Children: []id.ID{}}
	err := r.db.Read(ctx).Table("runs").Where("tenant_id = ? AND id = ?", tenant, run).Take(&d.Run).Error
	if err != nil {
		return RunDetail{}, storage.Missing(err, "run "+run.String())
	}
	d.derive()
	if d.Nodes, err = r.nodesOf(ctx, tenant, run); err != nil {
		return RunDetail{}, err
	}
	if d.Config, err = r.configOf(ctx, tenant, d.DefinitionID, d.DefinitionVersion); err != nil {
		return RunDetail{}, err
	}
	d.refs()
	if g, err := graph.Load(d.Config, NodeKinds()); err == nil {
		drawing := g.Describe()
		d.Graph = &drawing
	}
	err = r.db.Read(ctx).Raw(`SELECT id AS delivery_id, node FROM deliveries WHERE run_id = ? AND tenant_id = ?
		UNION ALL SELECT delivery_id, node FROM delivery_routes WHERE run_id = ? AND tenant_id = ? ORDER BY delivery_id`, run, tenant, run, tenant).
		Scan(&d.Deliveries).Error
	if err != nil {
		return RunDetail{}, fmt.Errorf("load the deliveries of run %s: %w", run, storage.Classify(err))
	}
	if d.ReceiptID != nil {
		err = r.db.Read(ctx).Table("runs").Where("tenant_id = ? AND parent_run_id = ? AND "+receiptRuns, tenant, run, *d.ReceiptID, tenant).
			Order("id").Limit(storage.MaxPageSize).Pluck("id", &d.Children).Error
	}
	if err != nil {
		return RunDetail{}, fmt.Errorf("load the further runs of run %s: %w", run, storage.Classify(err))
	}
	return d, nil
}

func (r *Reader) nodesOf(ctx context.Context, tenant string, run id.ID) ([]NodeRun, error) {
	nodes := []NodeRun{}
	err := r.db.Read(ctx).Table("node_runs").Where("run_id = ? AND tenant_id = ?", run, tenant).
		Order("CASE WHEN started_at IS NULL THEN 1 ELSE 0 END, started_at, node").Find(&nodes).Error
	if err != nil {
		return nil, fmt.Errorf("load the nodes of run %s: %w", run, storage.Classify(err))
	}
	var attempts []Attempt
	err = r.db.Read(ctx).Table("node_attempts").Where("run_id = ? AND tenant_id = ?", run, tenant).Order("node, attempt").Find(&attempts).Error
	if err != nil {
		return nil, fmt.Errorf("load the attempts of run %s: %w", run, storage.Classify(err))
	}
	at := make(map[string]*NodeRun, len(nodes))
	for i := range nodes {
		nodes[i].Attempts = []Attempt{}
		nodes[i].DurationMS = milliseconds(nodes[i].StartedAt, nodes[i].CompletedAt)
		at[nodes[i].Node] = &nodes[i]
	}
	for _, a := range attempts {
		a.derive()
		if n, ok := at[a.Node]; ok {
			n.Attempts = append(n.Attempts, a)
		}
	}
	for i := range nodes {
		if a, ok := nodes[i].last(); ok {
			a.derive()
			nodes[i].Attempts = append(nodes[i].Attempts, a)
		}
	}
	return nodes, nil
}

// configOf is the definition in that version, null when it is no longer kept.
func (r *Reader) configOf(ctx context.Context, tenant string, definition id.ID, version int64) (json.RawMessage, error) {
	var rows []struct {
		Config json.RawMessage `gorm:"serializer:json"`
	}
	err := r.db.Read(ctx).Table("definition_versions").Select("config").
		Where("definition_id = ? AND version = ? AND tenant_id = ?", definition, version, tenant).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load version %d of definition %s: %w", version, definition, storage.Classify(err))
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return rows[0].Config, nil
}
