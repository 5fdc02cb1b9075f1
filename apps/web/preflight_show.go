package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/preflight"
)

// preflightGroup is what was found of one part of the setup, worst first.
type preflightGroup struct {
	Name   string
	Checks []preflight.Check
	worst  int
}

// preflightLine is an earlier run.
type preflightLine struct {
	preflight.Run
	URL string
}

type preflightPage struct {
	Frame
	Run     *preflight.Run // nil: there is none
	Verdict string
	Groups  []preflightGroup
	Earlier []preflightLine
	First   bool // Run is the newest
}

// earlierRuns is how many runs the page shows beside the one.
const earlierRuns = 10

func (w *Web) preflightShow(c *gin.Context) {
	where, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	where.Limit = earlierRuns + 1
	list, err := w.Preflights.List(c.Request.Context(), tenant(c), where)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := preflightPage{Frame: w.frame(c, "preflight", "This setup"), First: where.Before.IsZero()}
	if c.Query("done") == "run" {
		page.Toast = &Toast{Text: "Looked at the setup", Icon: "check", Tone: "ok"}
	}
	for i := range list.Items {
		r := &list.Items[i]
		if i == 0 {
			page.Run, page.Verdict, page.Groups = r, verdict(r), preflightGroups(r.List)
			continue
		}
		// A page of runs begins below the one before it.
		page.Earlier = append(page.Earlier, preflightLine{*r, with(c, "before", list.Items[i-1].ID.String(), "done", "")})
	}
	w.page(c, http.StatusOK, "preflight", page)
}

// preflightRun looks at the setup now.
func (w *Web) preflightRun(c *gin.Context) {
	if _, err := w.Preflights.Run(c.Request.Context(), tenant(c), nil, session(c).Principal.Name); err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/preflight?done=run")
}

// verdict is a run in one line.
func verdict(r *preflight.Run) string {
	var parts []string
	if r.Errors > 0 {
		parts = append(parts, plural(int64(r.Errors), "thing is wrong", "things are wrong"))
	}
	if r.Warnings > 0 {
		parts = append(parts, plural(int64(r.Warnings), "thing is worth a look", "things are worth a look"))
	}
	if len(parts) == 0 {
		return "All is well"
	}
	return strings.Join(parts, ", ")
}

// preflightGroups puts what was found together: what is wrong above, the rest in the usual order.
func preflightGroups(checks []preflight.Check) []preflightGroup {
	order := map[preflight.Level]int{preflight.Error: 3, preflight.Warn: 2, preflight.OK: 1}
	var out []preflightGroup
	for _, name := range preflight.Groups() {
		g := preflightGroup{Name: strings.TrimSuffix(sentence(name), ".")}
		for _, c := range checks {
			if c.Group == name {
				g.Checks = append(g.Checks, c)
				g.worst = max(g.worst, order[c.Level])
			}
		}
		if len(g.Checks) == 0 {
			continue
		}
		slices.SortStableFunc(g.Checks, func(a, b preflight.Check) int { return cmp.Compare(order[b.Level], order[a.Level]) })
		out = append(out, g)
	}
	slices.SortStableFunc(out, func(a, b preflightGroup) int { return cmp.Compare(max(b.worst, 1), max(a.worst, 1)) })
	return out
}

// levelMark is how a preflight's level looks.
func levelMark(v any) Mark {
	switch text(v) {
	case "ok":
		return Mark{"ok", "ok", "OK"}
	case "warn":
		return Mark{"warning", "warning", "Warning"}
	case "error":
		return Mark{"critical", "critical", "Wrong"}
	default:
		return Mark{"info", "info", "For information"}
	}
}
