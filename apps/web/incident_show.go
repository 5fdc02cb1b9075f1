package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// entry is one line of the timeline, whatever it came from.
type entry struct {
	At    time.Time
	Icon  string
	Tone  string
	Text  string // what happened, in words
	Thing string // what it happened to: an alert, a channel
	Link  string
	Note  string // what a person wrote, or a longer explanation
	Who   string
	Group string // alerts, deliveries, people
	Day   string // set on the first entry of a day
}

// label is one name and value; Same tells that every alert has it.
type label struct{ Name, Value string }

// alertRow is an alert in the incident's list.
type alertRow struct {
	alerts.Alert
	Instance string
}

type incidentPage struct {
	Frame
	Incident   alerts.IncidentDetail
	Instance   string
	Alerts     []alertRow
	Labels     []label
	Links      []label // annotations that are addresses
	Timeline   []entry
	Show       string // which part of the timeline
	Deliveries []toldGroup
	Runs       []orchestration.Run
	Analysis   *analysisView // nil: there is none
	Underway   bool          // it is being analysed now
	Changes    []changeBefore
}

func (w *Web) incidentShow(c *gin.Context) {
	page, err := w.incidentData(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	if done := c.Query("done"); done != "" {
		page.Toast = doneToast(done)
	}
	w.page(c, http.StatusOK, "incident", page)
}

func (w *Web) incidentData(c *gin.Context) (*incidentPage, error) {
	incident, err := id.Parse(c.Param("id"))
	if err != nil {
		return nil, err
	}
	d, err := w.Incidents.Incident(c.Request.Context(), tenant(c), incident)
	if err != nil {
		return nil, err
	}
	line, err := w.Incidents.Timeline(c.Request.Context(), tenant(c), incident)
	if err != nil {
		return nil, err
	}
	told, err := w.Deliveries.Deliveries(c.Request.Context(), tenant(c), notify.DeliveryFilter{Incident: incident, Attempts: true}, storage.Paging{Limit: storage.MaxPageSize})
	if err != nil {
		return nil, err
	}
	runs, err := w.Flow.Runs(c.Request.Context(), tenant(c), orchestration.RunFilter{Incident: incident}, storage.Paging{})
	if err != nil {
		return nil, err
	}
	page := &incidentPage{
		Frame:    w.frame(c, "incidents", d.Title, Crumb{"Incidents", "/incidents"}),
		Incident: d, Deliveries: grouped(told.Items), Runs: runs.Items, Show: c.Query("show"),
	}
	if page.Analysis, page.Underway, err = w.latestAnalysis(c.Request.Context(), tenant(c), incident); err != nil {
		return nil, err
	}
	if page.Changes, err = w.changesBefore(c.Request.Context(), tenant(c), &d); err != nil {
		return nil, err
	}
	page.Here = "/incidents/" + incident.String()
	for _, a := range d.Alerts {
		page.Alerts = append(page.Alerts, alertRow{a, event.Instance(a.Labels)})
	}
	if len(page.Alerts) > 0 {
		page.Instance = page.Alerts[0].Instance
	}
	page.Labels, page.Links = common(d.Alerts), addresses(d.Alerts)
	page.Timeline = timeline(line, told.Items, page.Show, w.Clock.Now())
	return page, nil
}

// common returns the labels that all alerts share, by name.
func common(list []alerts.Alert) []label {
	if len(list) == 0 {
		return nil
	}
	same := maps.Clone(list[0].Labels)
	for _, a := range list[1:] {
		maps.DeleteFunc(same, func(k, v string) bool { return a.Labels[k] != v })
	}
	return sortedLabels(same)
}

func sortedLabels(m map[string]string) []label {
	out := make([]label, 0, len(m))
	for k, v := range m {
		out = append(out, label{k, v})
	}
	slices.SortFunc(out, func(a, b label) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// maxLinks bounds the links shown: a sender may put hundreds on its alerts.
const maxLinks = 8

// addresses returns the annotations that are web addresses: runbooks, dashboards. Each address once.
func addresses(list []alerts.Alert) []label {
	seen := map[string]bool{}
	var out []label
	for _, a := range list {
		for _, l := range sortedLabels(a.Annotations) {
			if webURL(l.Value) == "" || seen[l.Value] || len(out) == maxLinks {
				continue
			}
			seen[l.Value] = true
			out = append(out, l)
		}
	}
	return out
}
