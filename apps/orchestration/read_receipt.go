package orchestration

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// ReceiptFilter narrows a list of receipts; zero fields do not.
type ReceiptFilter struct {
	Source  id.ID // the entry
	Driver  string
	Outcome string
}

// Receipts lists receipts, newest first.
func (r *Reader) Receipts(ctx context.Context, tenant string, f ReceiptFilter, p storage.Paging) (storage.Page[Receipt], error) {
	q := r.db.Read(ctx).Table("receipts").Where("tenant_id = ?", tenant)
	if !f.Source.IsZero() {
		q = q.Where("source_id = ?", f.Source)
	}
	if f.Driver != "" {
		q = q.Where("driver = ?", f.Driver)
	}
	if f.Outcome != "" {
		q = storage.Seldom(q, "outcome", []string{f.Outcome}, "outcome <> 'queued'", OutcomeNoRoute, OutcomeIgnored, OutcomeRejected)
	}
	var rows []Receipt
	if err := p.Apply(q).Find(&rows).Error; err != nil {
		return storage.Page[Receipt]{}, fmt.Errorf("list receipts: %w", storage.Classify(err))
	}
	return storage.PageOf(rows, p, func(r *Receipt) id.ID { return r.ID }), nil
}

// Receipt returns one receipt with its first observations, their outcomes, its runs, and the beginning of its body.
func (r *Reader) Receipt(ctx context.Context, tenant string, receipt id.ID) (ReceiptDetail, error) {
	var d ReceiptDetail
	err := r.db.Read(ctx).Table("receipts").Where("tenant_id = ? AND id = ?", tenant, receipt).Take(&d.Receipt).Error
	if err != nil {
		return ReceiptDetail{}, storage.Missing(err, "receipt "+receipt.String())
	}
	if d.Items, err = r.Observations(ctx, tenant, receipt, 0, ObservationLimit); err != nil {
		return ReceiptDetail{}, err
	}
	if d.Runs, err = r.runsOfReceipt(ctx, tenant, receipt); err != nil {
		return ReceiptDetail{}, err
	}
	body, err := r.Body(ctx, tenant, receipt)
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // bodies are pruned before their receipts
		return ReceiptDetail{}, err
	}
	d.BodyPruned = err != nil
	d.BodySize, d.BodyTruncated = int64(len(body)), len(body) > BodyPreview
	d.Body = strings.ToValidUTF8(string(body[:min(len(body), BodyPreview)]), "\uFFFD")
	return d, nil
}

// Observations returns up to limit observations of a receipt from index `from` on, in body order, with their outcomes.
func (r *Reader) Observations(ctx context.Context, tenant string, receipt id.ID, from int64, limit int) ([]Observation, error) {
	rows := []Observation{}
	err := r.db.Read(ctx).Table("observations").Where("receipt_id = ? AND idx >= ? AND tenant_id = ?", receipt, from, tenant).
		Order("idx").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load the observations of receipt %s: %w", receipt, storage.Classify(err))
	}
	if len(rows) == 0 {
		return rows, nil
	}
	var outcomes []Outcome
	err = r.db.Read(ctx).Table("ledger").
		Where("receipt_id = ? AND idx BETWEEN ? AND ? AND tenant_id = ?", receipt, rows[0].Index, rows[len(rows)-1].Index, tenant).
		Order("idx, definition_id").Find(&outcomes).Error
	if err != nil {
		return nil, fmt.Errorf("load the outcomes of receipt %s: %w", receipt, storage.Classify(err))
	}
	at := make(map[int64]*Observation, len(rows))
	for i := range rows {
		rows[i].Outcomes = []Outcome{}
		at[rows[i].Index] = &rows[i]
	}
	for _, o := range outcomes {
		o.derive()
		if row, ok := at[o.Index]; ok {
			row.Outcomes = append(row.Outcomes, o)
		}
	}
	return rows, nil
}

// Body returns the raw body of a receipt as it was received, or pack.ErrDamaged.
func (r *Reader) Body(ctx context.Context, tenant string, receipt id.ID) ([]byte, error) {
	var row struct {
		Encoding int
		Body     []byte
	}
	err := r.db.Read(ctx).Table("receipt_bodies").Select("encoding, body").
		Where("receipt_id = ? AND tenant_id = ?", receipt, tenant).Take(&row).Error
	if err != nil {
		return nil, storage.Missing(err, "body of receipt "+receipt.String())
	}
	body, err := pack.Unpack(row.Encoding, row.Body)
	if err != nil {
		return nil, fmt.Errorf("body of receipt %s: %w", receipt, err)
	}
	return body, nil
}
