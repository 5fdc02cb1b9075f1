package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// choice is one value of a filter.
type choice struct {
	Name, URL string
	On        bool
}

// choices makes the links of a filter: the first stands for "all".
func choices(c *gin.Context, param string, names ...[2]string) []choice {
	out := make([]choice, len(names))
	for i, n := range names {
		out[i] = choice{Name: n[1], URL: with(c, param, n[0], "before", "", "done", ""), On: c.Query(param) == n[0]}
	}
	return out
}

type runsPage struct {
	Frame
	Runs    []orchestration.Run
	States  []choice
	Next    string
	First   bool
	Clipped bool // a filter is on
}

func (w *Web) runsList(c *gin.Context) {
	p, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	list, err := w.Flow.Runs(c.Request.Context(), tenant(c), orchestration.RunFilter{State: c.Query("state")}, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := runsPage{
		Frame: w.frame(c, "runs", "Runs"), Runs: list.Items, First: p.Before.IsZero(), Clipped: c.Query("state") != "",
		States: choices(c, "state", [2]string{"", "All"}, [2]string{"succeeded", "Finished"}, [2]string{"running", "Running"},
			[2]string{"retrying", "Trying again"}, [2]string{"failed", "Failed"}),
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "runs", page)
}
