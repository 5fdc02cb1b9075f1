package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

type silencesPage struct {
	Frame
	Silences []silences.Silence
	Tabs     []choice
	Tab      string
	Next     string
	First    bool
}

func (w *Web) silencesList(c *gin.Context) {
	p, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	f := silences.Filter{Statuses: []silences.Status{silences.Active, silences.Pending}}
	tab := c.Query("tab")
	switch tab {
	case "expired":
		f.Statuses = []silences.Status{silences.Expired}
	case "all":
		f.Statuses = nil
	default:
		tab = ""
	}
	list, err := w.Silences.List(c.Request.Context(), tenant(c), f, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := silencesPage{
		Frame: w.frame(c, "silences", "Silences"), Silences: list.Items, Tab: tab, First: p.Before.IsZero(),
		Tabs: choices(c, "tab", [2]string{"", "On and to come"}, [2]string{"expired", "Over"}, [2]string{"all", "All"}),
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	if c.Query("done") == "expired" {
		page.Toast = &Toast{Text: "Ended. What it held back and still fires is told now.", Icon: "check", Tone: "ok"}
	}
	w.page(c, http.StatusOK, "silences", page)
}

// silenceMark is where a silence stands.
func silenceMark(v any) Mark {
	switch s := text(v); s {
	case "active":
		return Mark{"info", "muted", "On"}
	case "pending":
		return Mark{"unknown", "clock", "To come"}
	default:
		return Mark{"unknown", "archive", "Over"}
	}
}

// ends says in words what ends a silence.
func ends(s silences.Silence) string {
	switch {
	case s.Status == silences.Expired && s.ExpiredBy != "":
		return "ended by " + s.ExpiredBy
	case s.Status == silences.Expired:
		return ""
	case s.UntilResolved && s.EndsAt.IsZero():
		return "until resolved"
	case s.UntilResolved:
		return "or when resolved"
	case s.UnusedFor > 0:
		return "when unused for " + period.Text(s.UnusedFor)
	default:
		return ""
	}
}
