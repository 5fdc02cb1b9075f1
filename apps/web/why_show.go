package web

import (
	"context"
	"net/http"
	"strings"
	"time"

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
	Clauses []string // the verdict, a line for each group of channels
	Shown   []whyStep
	Back    string // the page of what is explained, "" where it has none
}

// whyStep is a step, with the other channels of which it says the same.
type whyStep struct {
	ledger.WhyStep

	Others []ledger.WhyStep
}

// clauses takes a verdict about many channels apart: what is said of one group of them is a line by itself.
func clauses(verdict string) []string {
	out := strings.Split(verdict, "; channel")
	for i := range out {
		if i > 0 {
			out[i] = "channel" + out[i]
		}
		out[i] = sentence(out[i])
	}
	return out
}

// together puts channels of which the same is to be said, at about one time, in one step.
func together(steps []ledger.WhyStep) []whyStep {
	type said struct{ result, why string }
	first := map[said]int{}
	out := make([]whyStep, 0, len(steps))
	for _, s := range steps {
		key := said{s.Result, s.Why}
		if n, ok := first[key]; s.What == "channel" && s.Why != "" && ok && s.At.Sub(out[n].At) <= time.Second {
			out[n].Others = append(out[n].Others, s)
			continue
		}
		if s.What == "channel" {
			first[key] = len(out)
		}
		out = append(out, whyStep{WhyStep: s})
	}
	return out
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
		section, list, back = "deliveries", Crumb{"Deliveries", "/deliveries"}, "/deliveries/"+e.Subject.ID
	}
	w.page(c, http.StatusOK, "why", whyPage{Frame: w.frame(c, section, "Why: "+e.Subject.Title, list), Explanation: e, Clauses: clauses(e.Verdict), Shown: together(e.Steps), Back: back})
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
