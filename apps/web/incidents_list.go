package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// incidentRow is one line of the list.
type incidentRow struct {
	alerts.Incident
	Told  []notify.DeliveryView // the last one of each channel
	CSRF  string
	May   bool   // acknowledge and resolve it
	Tab   string // the list it stands on
	Query string
}

// tab is one of the lists of incidents.
type tab struct {
	Key   string
	Name  string
	URL   string
	Count int64
	Hot   bool
	On    bool
}

type incidentsPage struct {
	Frame
	Tab     string
	Tabs    []tab
	Rows    []incidentRow
	Next    string // address of the next page, "" for none
	First   bool   // is the first page
	Changes string // address that tells what is new since this page
	Clear   string // address without the search
	Any     bool   // there is an incident at all
}

// tabs in their order; what is closed is kept with the resolved ones.
var tabs = []struct {
	key, name string
	statuses  []string
}{
	{"open", "Open", []string{string(event.IncidentOpen)}},
	{"acknowledged", "Acknowledged", []string{string(event.IncidentAcknowledged)}},
	{"resolved", "Resolved", []string{string(event.IncidentResolved), string(event.IncidentClosed)}},
	{"all", "All", nil},
}

func tabOf(c *gin.Context) (key string, statuses []string) {
	wanted := c.DefaultQuery("tab", "open")
	for _, t := range tabs {
		if t.key == wanted {
			return t.key, t.statuses
		}
	}
	return tabs[0].key, tabs[0].statuses
}

func tabLinks(c alerts.IncidentCounts, on, query string) []tab {
	counts := map[string]int64{
		"open": c.Open, "acknowledged": c.Acknowledged, "resolved": c.Resolved + c.Closed,
		"all": c.Open + c.Acknowledged + c.Resolved + c.Closed,
	}
	out := make([]tab, 0, len(tabs))
	for _, t := range tabs {
		v := url.Values{"tab": {t.key}}
		if query != "" {
			v.Set("q", query)
		}
		out = append(out, tab{
			Key: t.key, Name: t.name, URL: "/incidents?" + v.Encode(), Count: counts[t.key],
			Hot: t.key == "open" && counts["open"] > 0, On: t.key == on,
		})
	}
	return out
}

func (w *Web) incidentsList(c *gin.Context) {
	p, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	key, statuses := tabOf(c)
	query := c.Query("q")
	list, err := w.Incidents.Incidents(c.Request.Context(), tenant(c), alerts.IncidentFilter{Statuses: statuses, Text: query}, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	counts, err := w.Incidents.Counts(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	page := incidentsPage{
		Frame: w.frame(c, "incidents", "Incidents"), Tab: key, Tabs: tabLinks(counts, key, query), First: p.Before.IsZero(),
		Clear: with(c, "q", ""), Any: counts.Open+counts.Acknowledged+counts.Resolved+counts.Closed > 0,
	}
	if page.Rows, err = w.incidentRows(c, list.Items); err != nil {
		w.fail(c, err)
		return
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	changes := url.Values{"tab": {key}}
	if query != "" {
		changes.Set("q", query)
	}
	if len(list.Items) > 0 {
		changes.Set("since", list.Items[0].ID.String())
	}
	page.Changes = "/incidents/changes?" + changes.Encode()
	w.page(c, http.StatusOK, "incidents", page)
}

// incidentRows adds what a line shows beside the incident itself.
func (w *Web) incidentRows(c *gin.Context, list []alerts.Incident) ([]incidentRow, error) {
	ctx, who := c.Request.Context(), session(c)
	key, query := c.PostForm("tab"), c.PostForm("q")
	if key == "" {
		key, _ = tabOf(c)
		query = c.Query("q")
	}
	ids := make([]id.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	told, err := w.Deliveries.LastTold(ctx, who.Principal.Tenant, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]incidentRow, len(list))
	for i := range list {
		rows[i] = incidentRow{
			Incident: list[i], Told: told[list[i].ID], CSRF: csrfToken(who.Secret), May: who.Principal.Scopes.Has(auth.ScopeRespond),
			Tab: key, Query: query,
		}
	}
	return rows, nil
}

type changesPage struct {
	Tabs []tab
	Open int64
	New  int64
	More bool // there are more than New
	URL  string
}

// incidentsChanges is asked when something happened: the counts as they are, and how many incidents came since the page.
// The list itself stays as it is, so that nothing moves under a pointer.
func (w *Web) incidentsChanges(c *gin.Context) {
	key, statuses := tabOf(c)
	since, err := storage.ParseCursor(c.Query("since"))
	if err != nil {
		w.fail(c, err)
		return
	}
	query := c.Query("q")
	list, err := w.Incidents.Incidents(c.Request.Context(), tenant(c), alerts.IncidentFilter{Statuses: statuses, Text: query}, storage.Paging{Limit: storage.MaxPageSize})
	if err != nil {
		w.fail(c, err)
		return
	}
	counts, err := w.Incidents.Counts(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	page := changesPage{Tabs: tabLinks(counts, key, query), Open: counts.Open}
	for i := range list.Items {
		if slices.Compare(list.Items[i].ID[:], since[:]) > 0 {
			page.New++
		}
	}
	page.More = page.New == int64(len(list.Items)) && list.NextCursor != ""
	for _, t := range page.Tabs {
		if t.On {
			page.URL = t.URL
		}
	}
	w.fragment(c, http.StatusOK, "incidents", "changes", page)
}

// incidentRow is one line anew, as it stands now, whichever list it is on.
func (w *Web) incidentRow(c *gin.Context) {
	row, err := w.oneRow(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.fragment(c, http.StatusOK, "incidents", "incident_row", row)
}

func (w *Web) oneRow(c *gin.Context) (incidentRow, error) {
	incident, err := id.Parse(c.Param("id"))
	if err != nil {
		return incidentRow{}, err
	}
	d, err := w.Incidents.Incident(c.Request.Context(), tenant(c), incident)
	if err != nil {
		return incidentRow{}, err
	}
	rows, err := w.incidentRows(c, []alerts.Incident{d.Incident})
	if err != nil {
		return incidentRow{}, err
	}
	return rows[0], nil
}
