package web

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type ledgerPage struct {
	Frame
	Lines   []ledger.Line
	States  []ledgerState
	Reasons []choice
	Balance ledger.Report
	Next    string
	First   bool
	Clipped bool
}

// ledgerState is a state with how many lines are in it.
type ledgerState struct {
	choice

	N int64
}

func (w *Web) ledgerShow(c *gin.Context) {
	ctx, state, reason := c.Request.Context(), c.Query("state"), c.Query("reason")
	f := ledger.LineFilter{}
	if state != "" {
		f.States = []string{state}
	}
	if reason != "" {
		f.Reasons = []string{reason}
	}
	for name, to := range map[string]*id.ID{"incident": &f.Incident, "receipt": &f.Receipt} {
		if text := c.Query(name); text != "" {
			v, err := id.Parse(text)
			if err != nil {
				w.fail(c, err)
				return
			}
			*to = v
		}
	}
	list, err := w.Ledger.Lines(ctx, tenant(c), f, ledger.LinePaging{Before: c.Query("before")})
	var totals ledger.Totals
	page := ledgerPage{Frame: w.frame(c, "ledger", "Ledger"), First: c.Query("before") == "", Clipped: state+reason+c.Query("incident")+c.Query("receipt") != ""}
	if err == nil {
		totals, err = w.Ledger.Totals(ctx, tenant(c))
	}
	if err == nil {
		page.Balance, err = w.Books.Last(ctx, tenant(c))
	}
	if errors.Is(err, storage.ErrCursor) {
		err = storage.ErrNotFound
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	page.Lines, page.States, page.Reasons = list.Items, ledgerStates(c, totals.Counts), []choice{{Name: "Any reason", URL: with(c, "reason", "", "before", ""), On: reason == ""}}
	for _, r := range slices.SortedFunc(maps.Keys(totals.ByReason), func(a, b string) int { return int(totals.ByReason[b] - totals.ByReason[a]) }) {
		if r == reason || len(page.Reasons) <= mostChips {
			page.Reasons = append(page.Reasons, choice{Name: strings.TrimSuffix(sentence(words(r)), "."), URL: with(c, "reason", r, "before", ""), On: r == reason})
		}
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "ledger", page)
}

func ledgerStates(c *gin.Context, n ledger.Counts) []ledgerState {
	names := [][2]string{
		{"", "All"}, {"delivered", "Delivered"}, {"suppressed", "Held back"}, {"pending", "Waiting"}, {"dead", "Failed"}, {"no_route", "No pipeline"}, {"rejected", "Not usable"},
	}
	all := []int64{n.Delivered + n.Suppressed + n.Pending + n.Dead + n.NoRoute + n.Rejected, n.Delivered, n.Suppressed, n.Pending, n.Dead, n.NoRoute, n.Rejected}
	out := make([]ledgerState, len(names))
	for i, one := range choices(c, "state", names...) {
		out[i] = ledgerState{one, all[i]}
	}
	return out
}
