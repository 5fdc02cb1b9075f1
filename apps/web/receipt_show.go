package web

import (
	"mime"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type receiptPage struct {
	Frame
	Receipt   orchestration.ReceiptDetail
	Entry     string
	Headers   []label
	Pipelines map[string]string // names, by definition
	CanRedo   bool
}

func (w *Web) receiptShow(c *gin.Context) {
	receipt, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	d, err := w.Flow.Receipt(c.Request.Context(), tenant(c), receipt)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := receiptPage{
		Frame:   w.frame(c, "receipts", "Receipt "+short(receipt), Crumb{"Receipts", "/receipts"}),
		Receipt: d, Entry: w.entries(c)[d.SourceID], Headers: sortedLabels(d.Headers), Pipelines: map[string]string{},
		CanRedo: d.BodySize > 0 && redoable(&d),
	}
	for _, r := range d.Runs {
		page.Pipelines[r.DefinitionID.String()] = r.DefinitionName
	}
	if c.Query("done") == "reprocess" {
		page.Toast = doneToast("reprocess")
	}
	w.page(c, http.StatusOK, "receipt", page)
}

// redoable: something in it could not be used, or no pipeline wanted it, so another try may end otherwise.
func redoable(d *orchestration.ReceiptDetail) bool {
	if d.Outcome == "rejected" || d.Outcome == "no_route" {
		return true
	}
	for _, o := range d.Items {
		if o.Rejected != "" {
			return true
		}
	}
	return false
}

// receiptRaw hands out the body as it was received, as a file, so that no browser makes a page of it.
func (w *Web) receiptRaw(c *gin.Context) {
	receipt, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	body, err := w.Flow.Body(c.Request.Context(), tenant(c), receipt)
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "receipt-" + receipt.String() + ".json"}))
	c.Data(http.StatusOK, "application/octet-stream", body)
}

func (w *Web) receiptReprocess(c *gin.Context) {
	receipt, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	again, err := w.Reprocess.Reprocess(c.Request.Context(), tenant(c), receipt)
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/receipts/"+again.String()+"?done=reprocess")
}
