package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
	"github.com/incidenthub/incidenthub/providers"
)

// analysisTime is how long a person who asks for an analysis waits for a provider.
const analysisTime = 25 * time.Second

// analysisView is an analysis as pages show it.
type analysisView struct {
	intelligence.AnalysisDetail
	Author  Mark   // who wrote it
	Asked   string // whom the hub asked, "" for nobody but itself
	Sure    string // how sure it is, in words
	Why     string // why it was not written by whom was asked
	Hint    string // what an operator can do about that, where it is known
	Cause   string // the probable cause, where no claim says the same
	Claims  []claim
	Earlier []intelligence.Piece // past incidents like this one
}

// claim is a recommendation with the evidence that it stands on.
type claim struct {
	providers.Recommendation
	Nr      int // from 1
	Mark    Mark
	On      []intelligence.Piece
	Removed []removedAction
}

// removedAction is a command that was taken out, and why.
type removedAction struct{ Action, Reason string }

// fact is a line about how an analysis was made.
type fact struct{ Name, Value string }

type analysisPage struct {
	Frame
	Analysis analysisView
	Kinds    []evidenceKind
	Made     []fact
}

// evidenceKind is evidence of one kind.
type evidenceKind struct {
	Name   string
	Icon   string
	Pieces []intelligence.Piece
}

// underwayFor is how long an analysis may seem to be under way: what a crash left behind is not.
const underwayFor = 5 * time.Minute

// latestAnalysis is the newest analysis of an incident that has ended, nil when there is none, and whether one is under way.
func (w *Web) latestAnalysis(ctx context.Context, tenant string, incident id.ID) (latest *analysisView, underway bool, err error) {
	list, err := w.Analyses.Runs(ctx, tenant, intelligence.Filter{IncidentID: incident}, storage.Paging{Limit: 5})
	if err != nil {
		return nil, false, err
	}
	if len(list.Items) > 0 {
		newest := &list.Items[0]
		underway = newest.Status == intelligence.StatusRunning && w.Clock.Now().Sub(newest.CreatedAt) < underwayFor
	}
	i := slices.IndexFunc(list.Items, func(a intelligence.AnalysisRun) bool { return a.Rung != "" })
	if i < 0 {
		return nil, underway, nil
	}
	d, err := w.Analyses.Run(ctx, tenant, list.Items[i].ID)
	if err != nil {
		return nil, false, err
	}
	v := viewAnalysis(d)
	return &v, underway, nil
}

func viewAnalysis(d intelligence.AnalysisDetail) analysisView {
	v := analysisView{AnalysisDetail: d, Asked: askedOf(&d.AnalysisRun), Sure: certainty(&d.AnalysisRun), Why: fellBack(&d.AnalysisRun)}
	if hint, ok := strings.CutPrefix(d.ErrorMessage, intelligence.Why(d.ErrorClass)+": "); ok && v.Why != "" {
		v.Hint = hint
	}
	v.Author = rungMark(d.Rung, v.Asked, d.ModelName)
	by := map[string]intelligence.Piece{}
	for _, p := range d.Evidence {
		by[p.ID] = p
		if p.Kind == "history" {
			v.Earlier = append(v.Earlier, p)
		}
	}
	for i, r := range d.Recommendations {
		c := claim{Recommendation: r, Nr: i + 1, Mark: priorityMark(r.Priority), Removed: removed(r.Details)}
		for _, ref := range r.Evidence {
			if p, ok := by[ref]; ok {
				c.On = append(c.On, p)
			}
		}
		v.Claims = append(v.Claims, c)
	}
	if len(v.Claims) == 0 || v.Claims[0].Description != d.ProbableCause {
		v.Cause = d.ProbableCause
	}
	return v
}

// rungMark says who wrote an analysis.
func rungMark(rung, asked, model string) Mark {
	switch rung {
	case "provider":
		return Mark{"info", "intelligence", strings.TrimSpace(asked + " " + model)}
	case "local":
		return Mark{"info", "terminal", "Local analyzer"}
	case "facts":
		return Mark{"unknown", "context", "Facts only"}
	default:
		return Mark{"unknown", "unknown", words(rung)}
	}
}

// certainty puts the confidence into words. What cites nothing, or was cut, is never shown as sure.
func certainty(a *intelligence.AnalysisRun) string {
	switch {
	case a.RecommendationsCount == 0:
		return ""
	case !a.Grounded:
		return "low confidence: it cites nothing"
	case a.Truncated:
		return "low confidence: the answer was cut"
	case a.Confidence == nil:
		return "confidence not given"
	case *a.Confidence >= 0.8:
		return "high confidence"
	case *a.Confidence >= 0.5:
		return "medium confidence"
	default:
		return "low confidence"
	}
}

// classes are why an analysis fell back, in a few plain words about whoever was asked.
var classes = map[string]string{
	"auth": "its key was refused", "quota": "its quota is used up", "rate_limit": "it had too many requests", "overloaded": "it is overloaded",
	"server": "it has a fault", "network": "it could not be reached", "bad_request": "it refused the request", "not_found": "its model does not exist",
	"too_large": "the request was too large", "refusal": "it declined", "malformed": "its answer could not be read", "timeout": "it did not answer in time",
	"internal": "it broke", "config": "its settings cannot be used", "budget": "its budget is spent", "elsewhere": "the alert is about another machine than this one",
}

// classWords say the same of a class that nobody foresaw, too.
func classWords(class string) string {
	return cmp.Or(classes[class], words(class), "it gave no answer")
}

// askedOf is the name of the provider that an analysis was wanted of, "" for the local analyzer.
func askedOf(a *intelligence.AnalysisRun) string {
	if a.Provider == intelligence.Local {
		return ""
	}
	return cmp.Or(a.Record, a.Provider)
}

// fellBack says why a lower rung answered.
func fellBack(a *intelligence.AnalysisRun) string {
	if !a.FallbackUsed && a.ErrorClass == "" {
		return ""
	}
	who := cmp.Or(askedOf(a), "The local analyzer")
	return who + " did not write it: " + classWords(a.ErrorClass)
}

func priorityMark(p string) Mark {
	switch p {
	case providers.Critical:
		return Mark{"critical", "critical", "Critical"}
	case providers.High:
		return Mark{"warning", "warning", "High"}
	case providers.Medium:
		return Mark{"info", "info", "Medium"}
	default:
		return Mark{"unknown", "dot", "Low"}
	}
}

// removed reads the commands that the hub took out of an answer.
func removed(details map[string]any) []removedAction {
	list, _ := details["removed_actions"].([]any)
	var out []removedAction
	for _, one := range list {
		switch v := one.(type) {
		case string:
			out = append(out, removedAction{Reason: v})
		case map[string]any:
			out = append(out, removedAction{text(v["action"]), cmp.Or(text(v["reason"]), "it is not safe")})
		}
	}
	return out
}

var evidenceKinds = []evidenceKind{
	{Name: "Alerts", Icon: "alert"}, {Name: "Checks", Icon: "check"}, {Name: "Earlier incidents", Icon: "incidents"}, {Name: "Changes", Icon: "change"}, {Name: "Runbooks", Icon: "external"},
}

var kindIndex = map[string]int{"alert": 0, "check": 1, "history": 2, "change": 3, "runbook": 4}

func (w *Web) analysisShow(c *gin.Context) {
	analysis, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	d, err := w.Analyses.Run(c.Request.Context(), tenant(c), analysis)
	if err != nil {
		w.fail(c, err)
		return
	}
	up := []Crumb{{"Incidents", "/incidents"}}
	if d.IncidentID != nil {
		up = append(up, Crumb{"Incident", "/incidents/" + d.IncidentID.String()})
	}
	page := analysisPage{Frame: w.frame(c, "incidents", "Analysis", up...), Analysis: viewAnalysis(d)}
	kinds := slices.Clone(evidenceKinds)
	for _, p := range d.Evidence {
		if i, ok := kindIndex[p.Kind]; ok {
			kinds[i].Pieces = append(kinds[i].Pieces, p)
		}
	}
	page.Kinds = slices.DeleteFunc(kinds, func(k evidenceKind) bool { return len(k.Pieces) == 0 })
	page.Made = made(&page.Analysis)
	w.page(c, http.StatusOK, "analysis", page)
}

// analyze has an incident analysed now and shows it again.
func (w *Web) analyze(ctx context.Context, tenant string, incident id.ID) error {
	ctx, cancel := context.WithTimeout(ctx, analysisTime+time.Second)
	defer cancel()
	_, err := w.Analyst.Analyze(ctx, &intelligence.Request{
		Tenant: tenant, TraceID: trace.From(ctx), IncidentID: incident, Provider: intelligence.Active, Patience: analysisTime, Gather: true,
	})
	return err
}
