package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type deliveryPage struct {
	Frame
	Delivery notify.DeliveryDetail
	Shown    []shownPart
	Channels []notify.Channel // that it may be sent to
	Again    string           // what the button says, "" when it cannot be sent again now
	Refused  string           // why it was not sent again
}

func (w *Web) deliveryShow(c *gin.Context) { w.delivery(c, http.StatusOK, "") }

func (w *Web) delivery(c *gin.Context, status int, refused string) {
	ctx := c.Request.Context()
	d, err := w.oneDelivery(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := deliveryPage{
		Frame: w.frame(c, "deliveries", cmp.Or(d.Title, d.IncidentTitle, "Message"), Crumb{"Deliveries", "/deliveries"}), Delivery: d, Refused: refused,
	}
	page.Here = "/deliveries/" + d.ID.String()
	if c.Query("done") == "resend" {
		page.Toast = &Toast{Text: "On its way again", Icon: "delivery", Tone: "ok"}
	}
	for n, s := range w.Shows.Show(d.ChannelID, d.Body) {
		part := shownPart{Shown: s}
		if s.Media == "text/html" {
			part.URL = page.Here + "/parts/" + strconv.Itoa(n)
		}
		page.Shown = append(page.Shown, part)
	}
	page.Shown = folded(page.Shown)
	switch byHand := d.Kind == channel.KindTest || d.Kind == channel.KindSent; {
	case byHand: // is sent by hand again; and what was held back is not sent, but told when its reason ends
	case d.State == event.StateDead:
		page.Again = "Try again"
	case d.State == event.StateDelivered:
		page.Again = "Send again"
	}
	if page.Channels, err = w.resendable(ctx, tenant(c), d.ChannelID); err != nil {
		w.fail(c, err)
		return
	}
	w.page(c, status, "delivery", page)
}

func (w *Web) oneDelivery(c *gin.Context) (notify.DeliveryDetail, error) {
	key, err := id.Parse(c.Param("id"))
	if err != nil {
		return notify.DeliveryDetail{}, storage.ErrNotFound
	}
	return w.Deliveries.Delivery(c.Request.Context(), tenant(c), key)
}

// resendable are the active channels, the delivery's own first.
func (w *Web) resendable(ctx context.Context, tenant string, own id.ID) ([]notify.Channel, error) {
	all, err := w.Channels.List(ctx, tenant)
	var out []notify.Channel
	for _, one := range all {
		switch {
		case one.ID == own:
			out = append([]notify.Channel{one}, out...)
		case one.IsActive:
			out = append(out, one)
		}
	}
	return out, err
}

func (w *Web) deliveryResend(c *gin.Context) {
	key, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, storage.ErrNotFound)
		return
	}
	sent, err := w.Resender.Resend(c.Request.Context(), tenant(c), key, c.PostForm("channel"), session(c).Principal.Name)
	if errors.Is(err, event.ErrRefused) {
		w.delivery(c, http.StatusConflict, err.Error())
		return
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/deliveries/"+sent.String()+"?done=resend")
}

// deliveryPart shows the HTML of a message, alone.
func (w *Web) deliveryPart(c *gin.Context) {
	d, err := w.oneDelivery(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	n, err := strconv.Atoi(c.Param("n"))
	parts := w.Shows.Show(d.ChannelID, d.Body)
	if err != nil || n < 0 || n >= len(parts) || parts[n].Media != "text/html" {
		w.fail(c, storage.ErrNotFound)
		return
	}
	foreign(c, http.StatusOK, "text/html", parts[n].Text)
}
