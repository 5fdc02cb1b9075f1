package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// stripLength is how many of its last runs a check's line shows.
const stripLength = 24

// checkLine is a check on a host.
type checkLine struct {
	checkers.CheckRun
	Mark   Mark
	Limits string // when it is a warning, and when critical
	URL    string
	Strip  []checkers.Moment
}

type checksPage struct {
	Frame
	Lines []checkLine
	Rest  []checkers.Spec // of this host, that have not run
}

func (w *Web) checksList(c *gin.Context) {
	ctx := c.Request.Context()
	latest, err := w.Checks.Latest(ctx, tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	recent, err := w.Checks.Recent(ctx, tenant(c), stripLength)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := checksPage{Frame: w.frame(c, "checks", "Checks")}
	specs := map[string]checkers.Spec{}
	for _, s := range w.Checker.Specs() {
		specs[s.Name] = s
		if !s.Endpoint && !slices.ContainsFunc(latest, func(r checkers.CheckRun) bool { return r.CheckerName == s.Name }) {
			page.Rest = append(page.Rest, s)
		}
	}
	for _, r := range latest {
		page.Lines = append(page.Lines, checkLine{
			CheckRun: r, Mark: checkMark(r.Status), Limits: limits(specs[r.CheckerName], r.Warning, r.Critical), URL: checkURL(r.CheckerName, r.Hostname),
			Strip: recent[checkers.Key{Checker: r.CheckerName, Hostname: r.Hostname}],
		})
	}
	slices.SortStableFunc(page.Lines, func(a, b checkLine) int { return cmp.Compare(gravity[b.Status], gravity[a.Status]) })
	page.Here = with(c, "done", "")
	if c.Query("done") == "run" {
		page.Toast = &Toast{Text: "The checks were run", Icon: "check", Tone: "ok"}
	}
	w.page(c, http.StatusOK, "checks", page)
}

// gravity orders checks: what is wrong stands above.
var gravity = map[checkers.Status]int{checkers.Critical: 3, checkers.Warning: 2, checkers.Unknown: 1}

func checkURL(name, host string) string {
	return "/checks/" + url.PathEscape(name) + "?host=" + url.QueryEscape(host)
}

func checkMark(v any) Mark {
	switch s := text(v); s {
	case "ok":
		return Mark{"ok", "ok", "OK"}
	case "warning":
		return Mark{"warning", "warning", "Warning"}
	case "critical":
		return Mark{"critical", "critical", "Critical"}
	default:
		return Mark{"unknown", "unknown", "Not known"}
	}
}

// limits says in words when a check is a warning and when critical.
func limits(s checkers.Spec, warning, critical *float64) string {
	word := "from "
	if s.Inverted {
		word = "below "
	}
	switch {
	case warning == nil && critical == nil:
		return ""
	case critical == nil:
		return "warns " + word + withUnit(*warning, s.Unit)
	case warning == nil:
		return "critical " + word + withUnit(*critical, s.Unit)
	default:
		return "warns " + word + withUnit(*warning, s.Unit) + ", critical " + word + withUnit(*critical, s.Unit)
	}
}

// done marks the address of a page that is shown again because a check was run.
func done(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := u.Query()
	q.Set("done", "run")
	u.RawQuery = q.Encode()
	return u.String()
}

// checksRun runs all checks of this host, or one, and shows what they found.
func (w *Web) checksRun(c *gin.Context) {
	req := checkers.Request{Tenant: tenant(c), Origin: checkers.OriginPage, Shared: true, Guarded: true, TraceID: id.New().String()}
	back := "/checks?done=run"
	if name := c.PostForm("checker"); name != "" {
		req.Names = []string{name}
		back = done(local(c.PostForm("back")))
	}
	if _, err := w.Checker.Run(c.Request.Context(), req); err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, back)
}
