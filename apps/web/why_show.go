package web

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Explainer tells why somebody was, or was not, told; *ledger.Reader fits.
type Explainer interface {
	Why(ctx context.Context, tenant string, about id.ID) (ledger.Explanation, error)
}

type whyPage struct {
	Frame
	ledger.Explanation
	Back string // the page of what is explained, "" where it has none
}

// whyShow explains whatever has the id.
func (w *Web) whyShow(c *gin.Context) {
	about, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	e, err := w.Why.Why(c.Request.Context(), tenant(c), about)
	if err != nil {
		w.fail(c, err)
		return
	}
	section, list, back := "incidents", Crumb{"Incidents", "/incidents"}, ""
	switch e.Subject.Kind {
	case "incident":
		back = "/incidents/" + e.Subject.ID
	case "run":
		section, list, back = "runs", Crumb{"Runs", "/runs"}, "/runs/"+e.Subject.ID
	case "receipt":
		section, list, back = "receipts", Crumb{"Receipts", "/receipts"}, "/receipts/"+e.Subject.ID
	case "delivery":
		section, list = "deliveries", Crumb{"Deliveries", "/deliveries"}
	}
	w.page(c, http.StatusOK, "why", whyPage{Frame: w.frame(c, section, "Why: "+e.Subject.Title, list), Explanation: e, Back: back})
}

// whyIcon is the picture of a step of an explanation, and its tone.
func whyIcon(s ledger.WhyStep) label {
	tone := map[string]string{
		"told": "ok", "done": "ok", "delivered": "ok", "match": "ok", "given_up": "critical", "failed": "critical", "permanent": "critical", "rejected": "critical",
		"retry": "warning", "try_failed": "warning", "waiting": "info", "sending": "info", "no_route": "warning",
	}[s.Result]
	name := map[string]string{
		"receipt": "receipt", "parse": "failed", "route": "pipeline", "fold": "alert", "incident": "incidents", "run": "run", "node": "condition", "channel": "channel",
		"attempt": "delivery", "resolve": "check", "ledger": "archive",
	}[s.What]
	if name == "" {
		name = "dot"
	}
	if tone == "" {
		tone = "unknown"
	}
	return label{name, tone}
}
