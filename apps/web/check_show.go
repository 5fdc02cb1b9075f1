package web

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// spans are what a check's chart can show.
var spans = []struct {
	Name string
	Long time.Duration
}{{"6 h", 6 * time.Hour}, {"24 h", 24 * time.Hour}, {"7 days", 7 * 24 * time.Hour}, {"30 days", 30 * 24 * time.Hour}}

// usualSpan is shown first.
const usualSpan = "24 h"

type checkPage struct {
	Frame
	Spec     checkers.Spec
	Known    bool // this release has such a check
	Hostname string
	Last     *checkers.CheckRun // nil: it did not run in this time
	Limits   string
	Facts    []label
	Spans    []tab
	Wide     chart // for large screens
	Narrow   chart // for small ones
	Metric   string
	Runs     storage.Page[checkers.CheckRun]
	Next     string
	First    bool
}

func (w *Web) checkShow(c *gin.Context) {
	ctx, name, host := c.Request.Context(), c.Param("checker"), c.Query("host")
	where, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	runs, err := w.Checks.List(ctx, tenant(c), checkers.Filter{Checker: name, Hostname: host}, where)
	if err != nil {
		w.fail(c, err)
		return
	}
	if host == "" && len(runs.Items) > 0 { // a chart is of one host
		host = runs.Items[0].Hostname
		if runs, err = w.Checks.List(ctx, tenant(c), checkers.Filter{Checker: name, Hostname: host}, where); err != nil {
			w.fail(c, err)
			return
		}
	}
	all := w.Checker.Specs()
	i := slices.IndexFunc(all, func(s checkers.Spec) bool { return s.Name == name })
	if i < 0 && len(runs.Items) == 0 {
		w.fail(c, storage.ErrNotFound)
		return
	}
	page := checkPage{Frame: w.frame(c, "checks", name, Crumb{"Checks", "/checks"}), Spec: checkers.Spec{Name: name}, Hostname: host, Runs: runs, Known: i >= 0, First: where.Before.IsZero()}
	page.Here = with(c, "done", "")
	if c.Query("done") == "run" {
		page.Toast = &Toast{Text: "The check was run", Icon: "check", Tone: "ok"}
	}
	if i >= 0 {
		page.Spec = all[i]
	}
	span := spans[1].Long
	shown := cmp.Or(c.Query("span"), usualSpan)
	for _, s := range spans {
		if s.Name == shown {
			span = s.Long
		}
		page.Spans = append(page.Spans, tab{Name: s.Name, URL: with(c, "span", s.Name, "before", "", "done", ""), On: s.Name == shown})
	}
	h, err := w.Checks.History(ctx, tenant(c), page.Spec, checkers.HistoryQuery{Checker: name, Hostname: host, Since: w.Clock.Now().Add(-span)})
	if err != nil {
		w.fail(c, err)
		return
	}
	page.Wide, page.Narrow, page.Metric = drawChart(h, 880, 240), drawChart(h, 350, 200), strings.TrimSuffix(sentence(words(h.Metric)), ".")
	if len(runs.Items) > 0 {
		page.Last = &runs.Items[0]
		page.Limits = limits(page.Spec, page.Last.Warning, page.Last.Critical)
		page.Facts = facts(page.Last.Metrics)
	}
	if runs.NextCursor != "" {
		page.Next = with(c, "before", runs.NextCursor, "done", "")
	}
	w.page(c, http.StatusOK, "check", page)
}

// maxFacts bounds the numbers shown beside a check.
const maxFacts = 40

// facts are a run's plain numbers and words, by name.
func facts(metrics map[string]any) []label {
	var out []label
	for name, v := range metrics {
		switch v := v.(type) {
		case string:
			out = append(out, label{words(name), v})
		case bool:
			out = append(out, label{words(name), map[bool]string{true: "yes", false: "no"}[v]})
		case float64:
			out = append(out, label{words(name), plainNumber(v)})
		}
	}
	slices.SortFunc(out, func(a, b label) int { return cmp.Compare(a.Name, b.Name) })
	return out[:min(len(out), maxFacts)]
}

// plainNumber writes a number as people do: at most two decimals.
func plainNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return num(int64(v))
	}
	if math.Abs(v) >= 10_000 && math.Abs(v) < 1e15 { // nobody reads decimals there
		return num(int64(math.Round(v)))
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func withUnit(v float64, unit string) string {
	switch unit {
	case "":
		return plainNumber(v)
	case "%":
		return plainNumber(v) + " %"
	default:
		return plainNumber(v) + " " + unit
	}
}
