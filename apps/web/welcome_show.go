package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// originWebhook is the origin of receipts that senders pushed; samples and second tries are manual.
const originWebhook = "incoming_webhook"

type welcomePage struct {
	Frame
	Vendors []Vendor
	Sent    *orchestration.Receipt // the newest one, nil while the hub is empty
	Arrived *notify.InboxMessage   // the newest message
	Real    bool                   // a sender pushed something
	Now     int                    // the step to do next; 4 when all is done
	URL     string
	Base    string
}

// home sends a newcomer to the first steps, everybody else to the work.
func (w *Web) home(c *gin.Context) {
	list, err := w.Flow.Receipts(c.Request.Context(), tenant(c), orchestration.ReceiptFilter{}, storage.Paging{Limit: 1})
	if err != nil {
		w.fail(c, err)
		return
	}
	to := "/incidents"
	if len(list.Items) == 0 {
		to = "/welcome"
	}
	c.Redirect(http.StatusSeeOther, to)
}

func (w *Web) welcomeShow(c *gin.Context) {
	page := welcomePage{Frame: w.frame(c, "welcome", "Getting started"), Vendors: vendors, Base: w.base(c), URL: w.base(c) + "/alerts/webhook/"}
	if err := w.progress(c.Request.Context(), tenant(c), &page); err != nil {
		w.fail(c, err)
		return
	}
	w.page(c, http.StatusOK, "welcome", page)
}

// progress finds out which steps are done, from what is stored, so that they tick themselves off.
func (w *Web) progress(ctx context.Context, tenant string, page *welcomePage) error {
	receipts, err := w.Flow.Receipts(ctx, tenant, orchestration.ReceiptFilter{}, storage.Paging{Limit: storage.MaxPageSize})
	if err != nil {
		return err
	}
	if len(receipts.Items) > 0 {
		page.Sent = &receipts.Items[0]
	}
	page.Real = slices.ContainsFunc(receipts.Items, func(r orchestration.Receipt) bool { return r.Origin == originWebhook })
	messages, err := w.Inbox.List(ctx, tenant, notify.InboxFilter{}, storage.Paging{Limit: 1})
	if err != nil {
		return err
	}
	if len(messages.Items) > 0 {
		page.Arrived = &messages.Items[0]
	}
	switch {
	case page.Sent == nil:
		page.Now = 1
	case page.Arrived == nil:
		page.Now = 2
	case !page.Real:
		page.Now = 3
	default:
		page.Now = 4
	}
	return nil
}

// base is the hub's address as senders see it.
func (w *Web) base(c *gin.Context) string {
	if w.PublicURL != "" {
		return strings.TrimRight(w.PublicURL, "/")
	}
	scheme := "http"
	if c.Request.TLS != nil || w.SecureCookies {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}

// sampleSend sends a sample and leads to what came of it.
func (w *Web) sampleSend(c *gin.Context) {
	driver := c.Param("driver")
	if !slices.Contains(Drivers(), driver) {
		w.fail(c, storage.ErrNotFound)
		return
	}
	receipt, err := w.Samples.Send(c.Request.Context(), tenant(c), driver)
	if err != nil {
		w.fail(c, err)
		return
	}
	if c.PostForm("to") == "receipt" {
		c.Redirect(http.StatusSeeOther, "/receipts/"+receipt.String())
		return
	}
	c.Redirect(http.StatusSeeOther, "/welcome")
}
