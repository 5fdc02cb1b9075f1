package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type receiptQuery struct {
	PageQuery
	Source  string `query:"source" doc:"Id or name of the entry it came in by." maxLength:"200"`
	Driver  string `query:"driver" maxLength:"100"`
	Outcome string `query:"outcome" doc:"queued, no_route, ignored or rejected." maxLength:"40"`
}

type observationQuery struct {
	ByID
	From  int64 `query:"from" doc:"Index of the first one." minimum:"0"`
	Limit int   `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type reprocessed struct {
	Status int
	Body   struct {
		ReceiptID id.ID `json:"receipt_id" doc:"Of the new receipt."`
	}
}

func (a *API) receiptRoutes(h huma.API) {
	get(a, h, "/api/v1/receipts", "list-receipts", "What came in, newest first", a.listReceipts)
	get(a, h, "/api/v1/receipts/{id}", "get-receipt", "One receipt with its observations and what became of them",
		func(ctx context.Context, tenant string, in *ByID) (orchestration.ReceiptDetail, error) {
			receipt, err := in.key("receipt")
			if err != nil {
				return orchestration.ReceiptDetail{}, err
			}
			return a.Flow.Receipt(ctx, tenant, receipt)
		})
	get(a, h, "/api/v1/receipts/{id}/observations", "list-receipt-observations", "The observations of a large receipt, in body order", a.listObservations)
	change(a, h, op(http.MethodPost, "/api/v1/receipts/{id}/reprocess", "reprocess-receipt", "Take its body in again, as a new receipt"),
		func(ctx context.Context, c caller, in *ByID) (*reprocessed, error) {
			receipt, err := in.key("receipt")
			if err != nil {
				return nil, err
			}
			out := &reprocessed{Status: http.StatusAccepted}
			out.Body.ReceiptID, err = a.Reprocess.Reprocess(ctx, c.tenant, receipt)
			return out, err
		})
}

func (a *API) listReceipts(ctx context.Context, tenant string, in *receiptQuery) (storage.Page[orchestration.Receipt], error) {
	page, err := in.page()
	if err != nil {
		return storage.Page[orchestration.Receipt]{}, err
	}
	f := orchestration.ReceiptFilter{Driver: in.Driver, Outcome: in.Outcome}
	if in.Source != "" {
		source, err := a.Sources.Get(ctx, tenant, in.Source)
		if err != nil {
			return storage.Page[orchestration.Receipt]{}, err
		}
		f.Source = source.ID
	}
	return a.Flow.Receipts(ctx, tenant, f, page)
}

// listObservations goes by index, not by cursor: they are a numbered list that does not grow.
func (a *API) listObservations(ctx context.Context, tenant string, in *observationQuery) (storage.Page[orchestration.Observation], error) {
	receipt, err := in.key("receipt")
	if err != nil {
		return storage.Page[orchestration.Observation]{}, err
	}
	items, err := a.Flow.Observations(ctx, tenant, receipt, in.From, in.Limit)
	return all(items).Body, err
}

// receiptBody sends the raw body as a download, so that no browser takes what a sender wrote for a page of ours.
func (a *API) receiptBody(c *gin.Context) {
	ctx := c.Request.Context()
	p, err := who(ctx)
	if err != nil {
		a.refuse(c, err)
		return
	}
	receipt, err := ByID{ID: c.Param("id")}.key("receipt")
	if err != nil {
		a.refuse(c, err)
		return
	}
	body, err := a.Flow.Body(ctx, p.Tenant, receipt)
	if err != nil {
		a.refuse(c, err)
		return
	}
	c.Header("Content-Disposition", `attachment; filename="receipt-`+receipt.String()+`.json"`)
	c.Data(http.StatusOK, "application/octet-stream", body)
}
