package web

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type deliveriesPage struct {
	Frame
	Deliveries []notify.DeliveryView
	States     []choice
	Kinds      []choice
	Channels   []choice // chips, where there are few channels
	Pick       []label  // a list to choose from, where there are many
	Picked     string   // which of them
	Kept       []label  // what a choice leaves as it is
	Path       string
	Incident   string // title of the incident the list is about, "" for all
	Next       string
	First      bool
	Clipped    bool
	Flow       *flowView // nil below the first page, and while nothing was told
}

// flowView is what became of the deliveries of some time, as a picture.
type flowView struct {
	Spans        []choice
	Wide, Narrow bars
	Since        string // of what is counted, when there were too many
	Counts       []flowCount
}

type flowCount struct {
	Mark Mark
	N    string
}

// mostChips is how many channels are worth a chip each.
const mostChips = 12

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
	if kind := c.Query("kind"); kind != "" {
		filter.Kinds = []channel.Kind{channel.Kind(kind)}
	}
	for name, to := range map[string]*id.ID{"incident": &filter.Incident, "channel": &filter.Channel} {
		if text := c.Query(name); text != "" {
			if *to, err = id.Parse(text); err != nil {
				w.fail(c, err)
				return
			}
		}
	}
	ctx := c.Request.Context()
	list, err := w.Deliveries.Deliveries(ctx, tenant(c), filter, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := deliveriesPage{
		Frame: w.frame(c, "deliveries", "Deliveries"), Deliveries: list.Items, First: p.Before.IsZero(),
		Clipped: c.Query("state")+c.Query("incident")+c.Query("channel")+c.Query("kind") != "",
		States: choices(c, "state", [2]string{"", "All"}, [2]string{"delivered", "Delivered"}, [2]string{"pending", "Waiting"},
			[2]string{"suppressed", "Held back"}, [2]string{"dead", "Failed"}),
		Kinds: choices(c, "kind", [2]string{"", "All kinds"}, [2]string{"firing", "Firing"}, [2]string{"updated", "Update"}, [2]string{"reminder", "Reminder"},
			[2]string{"acknowledged", "Acknowledged"}, [2]string{"resolved", "Resolved"}, [2]string{"test", "Test"}, [2]string{"sent", "Sent by hand"}),
	}
	if err := w.channelChoice(c, &page); err != nil {
		w.fail(c, err)
		return
	}
	if !filter.Incident.IsZero() {
		if one, err := w.Incidents.Incident(ctx, tenant(c), filter.Incident); err == nil {
			page.Incident = one.Title
		}
	}
	if page.First {
		if page.Flow, err = w.flow(ctx, c, filter); err != nil {
			w.fail(c, err)
			return
		}
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "deliveries", page)
}

// channelChoice offers the channels: as chips while they are few, else as a list.
func (w *Web) channelChoice(c *gin.Context, page *deliveriesPage) error {
	list, err := w.Channels.List(c.Request.Context(), tenant(c))
	if err != nil || len(list) < 2 {
		return err
	}
	if len(list) > mostChips {
		page.Path, page.Picked = c.Request.URL.Path, c.Query("channel")
		for _, name := range []string{"state", "kind", "incident", "span"} {
			if v := c.Query(name); v != "" {
				page.Kept = append(page.Kept, label{name, v})
			}
		}
		for _, one := range list {
			page.Pick = append(page.Pick, label{one.Name, one.ID.String()})
		}
		return nil
	}
	names := [][2]string{{"", "Every channel"}}
	for _, one := range list {
		names = append(names, [2]string{one.ID.String(), one.Name})
	}
	page.Channels = choices(c, "channel", names...)
	return nil
}

// flow draws what became of deliveries, whatever state the list below is narrowed to.
func (w *Web) flow(ctx context.Context, c *gin.Context, f notify.DeliveryFilter) (*flowView, error) {
	show := usageSpans[0]
	v := &flowView{}
	for _, s := range usageSpans[:2] {
		if s.key == c.Query("span") {
			show = s
		}
	}
	for _, s := range usageSpans[:2] {
		v.Spans = append(v.Spans, choice{Name: s.name, URL: with(c, "span", s.key), On: s.key == show.key})
	}
	until := w.Clock.Now().UTC().Truncate(show.every).Add(show.every)
	look := barLook{since: until.Add(-show.long), until: until, every: show.every, width: 960, height: 150, label: brief, whole: true}
	flow, err := w.Deliveries.Flow(ctx, tenant(c), f, look.since, show.every)
	if err != nil || len(flow.Steps) == 0 {
		return nil, err
	}
	if flow.Since.After(look.since) {
		v.Since = utc(flow.Since)
	}
	at := map[time.Time]notify.FlowStep{}
	var sum notify.FlowStep
	for _, s := range flow.Steps {
		at[s.At] = s
		sum.Delivered, sum.Pending, sum.Suppressed, sum.Dead = sum.Delivered+s.Delivered, sum.Pending+s.Pending, sum.Suppressed+s.Suppressed, sum.Dead+s.Dead
	}
	var steps []step
	for t := look.since; t.Before(until); t = t.Add(show.every) {
		s := at[t]
		steps = append(steps, step{t, []part{
			{float64(s.Delivered), "ok", num(s.Delivered) + " delivered"},
			{float64(s.Suppressed), "unknown", num(s.Suppressed) + " held back"},
			{float64(s.Pending), "info", num(s.Pending) + " waiting"},
			{float64(s.Dead), "critical", num(s.Dead) + " failed"},
		}})
	}
	v.Wide = drawBars("Deliveries", num(sum.Delivered+sum.Pending+sum.Suppressed+sum.Dead), steps, look)
	look.width, look.height = 340, 130
	v.Narrow = drawBars("Deliveries", v.Wide.Total, steps, look)
	for _, one := range []struct {
		state string
		n     int64
	}{{"delivered", sum.Delivered}, {"suppressed", sum.Suppressed}, {"pending", sum.Pending}, {"dead", sum.Dead}} {
		v.Counts = append(v.Counts, flowCount{deliveryMark(one.state), num(one.n)})
	}
	return v, nil
}
