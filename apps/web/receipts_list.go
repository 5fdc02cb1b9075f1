package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type receiptsPage struct {
	Frame
	Receipts []orchestration.Receipt
	Entries  map[id.ID]string // names of the sources
	From     string           // the source whose receipts these are, "" for all
	Outcomes []choice
	Next     string
	First    bool
	Clipped  bool
}

func (w *Web) receiptsList(c *gin.Context) {
	p, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	source, _ := id.Parse(c.Query("source")) // what is no id filters nothing
	list, err := w.Flow.Receipts(c.Request.Context(), tenant(c), orchestration.ReceiptFilter{Source: source, Outcome: c.Query("outcome"), Driver: c.Query("driver")}, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := receiptsPage{
		Frame: w.frame(c, "receipts", "Receipts"), Receipts: list.Items, First: p.Before.IsZero(), Entries: w.entries(c),
		Clipped: c.Query("outcome")+c.Query("driver") != "" || !source.IsZero(),
		Outcomes: choices(c, "outcome", [2]string{"", "All"}, [2]string{"queued", "Taken in"}, [2]string{"no_route", "No pipeline"},
			[2]string{"ignored", "Nothing to do"}, [2]string{"rejected", "Not usable"}),
	}
	page.From = page.Entries[source]
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "receipts", page)
}

// entries names the sources by id; a list without the names is better than none.
func (w *Web) entries(c *gin.Context) map[id.ID]string {
	names := map[id.ID]string{}
	list, err := w.Sources.List(c.Request.Context(), tenant(c))
	if err != nil {
		w.Log.WarnContext(c.Request.Context(), "sources not read", "error", err)
	}
	for i := range list {
		names[list[i].ID] = list[i].Name
	}
	return names
}
