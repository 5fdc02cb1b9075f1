package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

type providersPage struct {
	Frame
	Providers []providerRow
	Active    *providerRow // nil: nobody is asked over the network
}

// providerRow is a provider as a list shows it.
type providerRow struct {
	analysts.Record
	Kind  providers.Spec
	Today intelligence.Usage
	Week  intelligence.Usage
	Condition
}

func (w *Web) providersList(c *gin.Context) {
	list, err := w.Providers.List(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	page := providersPage{Frame: w.frame(c, "providers", "Providers")}
	today, week, err := w.spent(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	conditions := w.conditions(c.Request.Context(), tenant(c), list)
	for _, r := range list {
		row := providerRow{Record: r, Today: usageOf(today, r.Name), Week: usageOf(week, r.Name), Condition: conditions[r.Name]}
		row.Kind, _ = w.providerKind(r.Provider)
		page.Providers = append(page.Providers, row)
	}
	slices.SortStableFunc(page.Providers, func(a, b providerRow) int { return boolInt(b.IsActive) - boolInt(a.IsActive) })
	if len(page.Providers) > 0 && page.Providers[0].IsActive {
		page.Active = &page.Providers[0]
	}
	if c.Query("done") == "deleted" {
		page.Toast = &Toast{Text: "The provider is deleted, with its key. What it wrote stays.", Icon: "check", Tone: "ok"}
	}
	w.page(c, http.StatusOK, "providers", page)
}

// day is today's, by UTC: budgets begin anew with it.
func day(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

const weekLong = 7 * 24 * time.Hour

// spent is the usage of all providers today and in the last seven days.
func (w *Web) spent(ctx context.Context, tenant string) (today, week []intelligence.Usage, err error) {
	now := w.Clock.Now()
	if today, err = w.Spending.Usage(ctx, tenant, day(now)); err != nil {
		return nil, nil, err
	}
	week, err = w.Spending.Usage(ctx, tenant, now.Add(-weekLong))
	return today, week, err
}

func usageOf(list []intelligence.Usage, name string) intelligence.Usage {
	for _, u := range list {
		if u.Provider == name {
			return u
		}
	}
	return intelligence.Usage{Provider: name}
}

// Condition is how a provider fares.
type Condition struct {
	PausedUntil time.Time                 // it is left alone until then; zero: it is not
	PausedFor   string                    // class of the error that is the reason
	Failed      *intelligence.AnalysisRun // the last one that it wrote nothing of, if nothing went well since
}

// Paused reports whether a provider is left alone for a while.
func (c Condition) Paused() bool { return !c.PausedUntil.IsZero() }

// conditions tell how providers fare, by their names. What cannot be read is left out: it must not hide the settings.
func (w *Web) conditions(ctx context.Context, tenant string, list []analysts.Record) map[string]Condition {
	out := map[string]Condition{}
	for _, r := range list {
		c := Condition{}
		if w.Paused != nil {
			c.PausedUntil, c.PausedFor = w.Paused(tenant, r.Name)
		}
		out[r.Name] = c
	}
	page, err := w.Analyses.Runs(ctx, tenant, intelligence.Filter{}, storage.Paging{Limit: storage.MaxPageSize})
	if err != nil {
		w.Log.WarnContext(ctx, "analyses of providers not read", "error", err)
		return out
	}
	decided := map[string]bool{}
	for i := range page.Items {
		a := &page.Items[i]
		c, known := out[a.Record]
		if !known || decided[a.Record] || a.Status == intelligence.StatusRunning || a.Cached {
			continue
		}
		decided[a.Record] = true
		if a.ErrorClass != "" {
			c.Failed = a
			out[a.Record] = c
		}
	}
	return out
}
