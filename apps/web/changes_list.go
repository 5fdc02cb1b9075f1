package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/changes"
)

// changesWindow is how long before an incident its page looks for changes, as the context node does when nothing else is said;
// changesShown bounds them.
const (
	changesWindow = 2 * time.Hour
	changesShown  = 5
)

// changeBefore is a change shortly before an incident.
type changeBefore struct {
	changes.Recent
	Earlier string // how long before
	Why     string // why it may have to do with it
}

// changeRow is a change in the list.
type changeRow struct {
	changes.Change
	Labels []label // by name
}

type recordedPage struct {
	Frame
	Rows    []changeRow
	Kinds   []tab
	Service string // whose changes only, "" for all
	All     string // the page without that
	Clipped bool   // something narrows the list
	Next    string
	First   bool
}

func (w *Web) changesList(c *gin.Context) {
	where, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	kind, service := c.Query("kind"), c.Query("service")
	list, err := w.Changes.List(c.Request.Context(), tenant(c), changes.Filter{Kind: kind, Service: service}, where)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := recordedPage{
		Frame: w.frame(c, "changes", "Changes"), Service: service, All: with(c, "service", "", "before", ""), Clipped: kind != "" || service != "",
		First: where.Before.IsZero(),
	}
	page.Kinds = append(page.Kinds, tab{Name: "All", URL: with(c, "kind", "", "before", ""), On: kind == ""})
	for _, k := range []string{changes.Deploy, changes.Config, changes.FeatureFlag, changes.Scale, changes.Other} {
		page.Kinds = append(page.Kinds, tab{Name: strings.TrimSuffix(sentence(words(k)), "."), URL: with(c, "kind", k, "before", ""), On: k == kind})
	}
	for _, one := range list.Items {
		page.Rows = append(page.Rows, changeRow{one, sortedLabels(one.Labels)})
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "changes", page)
}

// changesBefore are the changes shortly before an incident, those that may have to do with it first.
func (w *Web) changesBefore(ctx context.Context, tenant string, d *alerts.IncidentDetail) ([]changeBefore, error) {
	about := changes.About{Began: d.CreatedAt, Window: changesWindow, Limit: changesShown}
	for i := range d.Alerts {
		about.Labels = append(about.Labels, d.Alerts[i].Labels)
	}
	list, err := w.Changes.Before(ctx, tenant, about)
	if err != nil {
		return nil, err
	}
	out := make([]changeBefore, len(list))
	for i, r := range list {
		out[i] = changeBefore{Recent: r, Earlier: earlier(d.CreatedAt.Sub(r.At)), Why: shared(&r)}
	}
	return out, nil
}

// earlier says how long before an incident a change was made. Clocks differ: it may seem to have been later.
func earlier(d time.Duration) string {
	if d < time.Minute {
		return "just before"
	}
	return since(d) + " before"
}

// shared says what a change and an incident have in common.
func shared(r *changes.Recent) string {
	switch {
	case r.Elsewhere:
		return "made in another place"
	case len(r.Match) > 0:
		return "same " + strings.Join(r.Match[:min(len(r.Match), 3)], ", ")
	default:
		return ""
	}
}
