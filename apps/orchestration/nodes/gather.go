package nodes

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// Checks runs checks; *checkers.Service fits.
type Checks interface {
	Run(ctx context.Context, r checkers.Request) (checkers.Report, error)
}

// History finds earlier incidents; *history.Service fits.
type History interface {
	Find(ctx context.Context, tenant string, q history.Question) (history.Found, error)
}

// Changes finds what was changed before an incident; *changes.Service fits.
type Changes interface {
	Before(ctx context.Context, tenant string, a changes.About) ([]changes.Recent, error)
}

// Gatherer finds evidence, for context nodes and for analyses by hand. All of its fields are required.
type Gatherer struct {
	Checks  Checks
	History History
	Changes Changes
	Redact  *redact.Redactor
	Log     *slog.Logger
}

// Ask is what evidence is looked for.
type Ask struct {
	Tenant   string
	Incident *event.Incident // nil: there are only checks
	Alerts   []*event.Alert  // of the incident
	Checks   checkers.Request
	Similar  int           // earlier incidents, at most
	Window   time.Duration // before the incident began, in which changes count
}

// Gathered is what there is.
type Gathered struct {
	Report   checkers.Report
	Evidence providers.Evidence
	Earlier  *history.Found // nil: no incident, or it could not be read
	Warnings []string
}

// Gather looks for evidence. Only checks that do not exist are an error: what cannot be found out is a warning.
func (g Gatherer) Gather(ctx context.Context, a Ask) (Gathered, error) {
	var (
		out    Gathered
		all    sync.WaitGroup
		found  history.Found
		recent []changes.Recent
		errs   [3]error
	)
	all.Go(func() { out.Report, errs[0] = g.Checks.Run(ctx, a.Checks) })
	if i := a.Incident; i != nil {
		all.Go(func() {
			found, errs[1] = g.History.Find(ctx, a.Tenant, history.Question{Incident: i, Alerts: a.Alerts, Limit: a.Similar})
			about := changes.About{Began: start(i, a.Alerts, found.Began), Window: a.Window, Limit: maxChanges}
			for _, alert := range a.Alerts {
				about.Labels = append(about.Labels, alert.Labels)
			}
			recent, errs[2] = g.Changes.Before(ctx, a.Tenant, about)
		})
	}
	all.Wait()
	if errs[0] != nil {
		return out, errs[0]
	}
	e := plainly(g.Redact)
	for _, w := range out.Report.Errors {
		out.Warnings = append(out.Warnings, e.text(w, maxWarning))
	}
	for i, what := range []string{1: "earlier incidents could not be read", 2: "recent changes could not be read"} {
		if errs[i] != nil {
			g.Log.WarnContext(ctx, "gather evidence", "run_id", a.Checks.RunID, "what", what, "error", errs[i])
			out.Warnings = append(out.Warnings, what)
		}
	}
	if found.Skipped != "" {
		out.Warnings = append(out.Warnings, found.Skipped)
	}
	out.Evidence = providers.Evidence{
		Alerts: e.alerts(a.Alerts), Checks: e.checks(out.Report), History: e.history(found.Before), Changes: e.changes(recent), Runbook: e.runbooks(a.Alerts),
	}
	if a.Incident != nil && errs[1] == nil {
		out.Earlier = &found
	}
	return out, nil
}

// start is when the trouble began: with the alerts that fire now, where an incident was opened again. opened is when that was, or zero.
func start(i *event.Incident, alerts []*event.Alert, opened time.Time) time.Time {
	if !opened.IsZero() {
		return opened
	}
	first := time.Time{}
	for _, a := range alerts {
		if a.Status == event.StatusFiring && (first.IsZero() || a.StartedAt.Before(first)) {
			first = a.StartedAt
		}
	}
	if first.After(i.CreatedAt) {
		return first
	}
	return i.CreatedAt
}
