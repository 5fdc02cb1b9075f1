package web_test

import (
	"context"
	"slices"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Lines makes a line for each delivery, and one that no pipeline took.
func (h *hub) Lines(_ context.Context, _ string, f ledger.LineFilter, p ledger.LinePaging) (storage.Page[ledger.Line], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.Before == "nonsense" {
		return storage.Page[ledger.Line]{}, storage.ErrCursor
	}
	page := storage.Page[ledger.Line]{Items: []ledger.Line{}}
	add := func(l ledger.Line) {
		if (len(f.States) == 0 || slices.Contains(f.States, l.State)) && (len(f.Reasons) == 0 || slices.Contains(f.Reasons, l.Reason)) {
			page.Items = append(page.Items, l)
		}
	}
	for i, d := range h.told {
		add(ledger.Line{
			ReceiptID: h.receipts[0].ID, Index: int64(i), At: d.CreatedAt, Alert: d.IncidentTitle, Status: "firing", Severity: d.Severity, Pipeline: "night", State: d.State, Reason: d.Reason,
			Channels: []ledger.LineChannel{{Channel: d.ChannelName, State: d.State, Reason: d.Reason}},
		})
	}
	if len(h.told) > 0 {
		add(ledger.Line{
			ReceiptID: h.receipts[0].ID, Index: 9998, At: h.now, Alert: "Held", Severity: "info", State: "suppressed", Reason: "silenced",
			Later: &ledger.LineLater{At: h.now, Channels: []ledger.LineDelivery{{LineChannel: ledger.LineChannel{Channel: "<b>late</b>", State: "delivered"}, DeliveryID: h.told[0].ID}}},
		})
		add(ledger.Line{ReceiptID: h.receipts[0].ID, Index: 9999, At: h.now, Alert: "<b>Nobody</b> wants it", Severity: "info", State: "no_route", Why: "night: severity is info, it wants critical"})
	}
	return page, nil
}

func (h *hub) Totals(context.Context, string) (ledger.Totals, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := ledger.Totals{ByReason: map[string]int64{}}
	for _, d := range h.told {
		if d.State == "delivered" {
			t.Counts.Delivered++
		}
		if d.Reason != "" {
			t.ByReason[d.Reason]++
		}
	}
	return t, nil
}
