package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type deliveriesPage struct {
	Frame
	Deliveries []notify.DeliveryView
	States     []choice
	Incident   string // title of the incident the list is about, "" for all
	Next       string
	First      bool
	Clipped    bool
}

func (w *Web) deliveriesList(c *gin.Context) {
	p, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	filter := notify.DeliveryFilter{Attempts: true}
	if state := c.Query("state"); state != "" {
		filter.States = []string{state}
	}
	for name, to := range map[string]*id.ID{"incident": &filter.Incident, "channel": &filter.Channel} {
		if text := c.Query(name); text != "" {
			if *to, err = id.Parse(text); err != nil {
				w.fail(c, err)
				return
			}
		}
	}
	list, err := w.Deliveries.Deliveries(c.Request.Context(), tenant(c), filter, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := deliveriesPage{
		Frame: w.frame(c, "deliveries", "Deliveries"), Deliveries: list.Items, First: p.Before.IsZero(),
		Clipped: c.Query("state")+c.Query("incident")+c.Query("channel") != "",
		States: choices(c, "state", [2]string{"", "All"}, [2]string{"delivered", "Delivered"}, [2]string{"pending", "Waiting"},
			[2]string{"suppressed", "Held back"}, [2]string{"dead", "Failed"}),
	}
	if !filter.Incident.IsZero() {
		if one, err := w.Incidents.Incident(c.Request.Context(), tenant(c), filter.Incident); err == nil {
			page.Incident = one.Title
		}
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "deliveries", page)
}
