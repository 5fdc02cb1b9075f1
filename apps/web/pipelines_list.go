package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type pipelineRow struct {
	orchestration.Definition
	Graph    picture
	Trigger  string
	Warnings []string // of channels that it names in vain
}

type pipelinesPage struct {
	Frame
	Pipelines []pipelineRow
}

func (w *Web) pipelinesList(c *gin.Context) {
	list, err := w.Pipelines.List(c.Request.Context(), tenant(c), true)
	if err != nil {
		w.fail(c, err)
		return
	}
	slices.SortStableFunc(list, func(a, b orchestration.Definition) int { // what is at work first
		if a.IsActive != b.IsActive {
			if a.IsActive {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	page := pipelinesPage{Frame: w.frame(c, "pipelines", "Pipelines")}
	vain := w.inVain(c, list)
	for _, p := range list {
		page.Pipelines = append(page.Pipelines, pipelineRow{p, draw(flowOf(w.Draw(p.Config.V), p.Config.V), nil), triggerWords(p.Config.V), vain[p.Name]})
	}
	w.page(c, http.StatusOK, "pipelines", page)
}

type pipelinePage struct {
	Frame
	Pipeline orchestration.Definition
	Graph    picture
	Trigger  string
	Schedule *orchestration.Schedule // nil: it has none
	Warnings []string                // of channels that it names in vain
	Panels   []nodePanel
}

func (w *Web) pipelineShow(c *gin.Context) {
	definition, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	p, err := w.Pipelines.Get(c.Request.Context(), tenant(c), definition.String())
	if err != nil {
		w.fail(c, err)
		return
	}
	schedule, err := w.Pipelines.Schedule(c.Request.Context(), p)
	if err != nil {
		w.fail(c, err)
		return
	}
	f := flowOf(w.Draw(p.Config.V), p.Config.V)
	page := pipelinePage{
		Frame:    w.frame(c, "pipelines", p.Name, Crumb{"Pipelines", "/pipelines"}),
		Pipeline: p, Graph: draw(f, nil), Trigger: triggerWords(p.Config.V), Schedule: schedule,
		Warnings: w.inVain(c, []orchestration.Definition{p})[p.Name],
	}
	for i, n := range f.Nodes {
		page.Panels = append(page.Panels, nodePanel{ID: n.ID, Type: n.Type, Doc: n.Doc, Config: n.Config, Reason: n.When, First: i == 0})
	}
	w.page(c, http.StatusOK, "pipeline", page)
}

// oneOrMore is a list of words that may be written as one word.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

// triggerWords says in a sentence what starts a definition.
func triggerWords(config json.RawMessage) string {
	var d struct {
		Trigger struct {
			On       oneOrMore `json:"on"`
			Sources  []string  `json:"sources"`
			When     string    `json:"when"`
			Continue bool      `json:"continue"`
			Match    []struct {
				Field string `json:"field"`
				Op    string `json:"op"`
				Value any    `json:"value"`
			} `json:"match"`
		} `json:"trigger"`
	}
	if json.Unmarshal(config, &d) != nil {
		return ""
	}
	t := d.Trigger
	text := "Runs for every alert that comes in"
	switch {
	case len(t.On) == 0 || len(t.On) == 1 && (t.On[0] == "" || t.On[0] == "webhook"):
	case len(t.On) == 2 && slices.Contains(t.On, "webhook") && slices.Contains(t.On, "check"):
		text += ", and for those of checks"
	default:
		var on []string
		for _, kind := range t.On {
			on = append(on, words(kind))
		}
		text = "Runs on: " + strings.Join(on, ", ")
	}
	if len(t.Sources) > 0 && t.Sources[0] != "*" {
		text += " by " + strings.Join(t.Sources, ", ")
	}
	var conds []string
	for _, m := range t.Match {
		v, err := json.Marshal(m.Value)
		if err == nil {
			conds = append(conds, m.Field+" "+words(m.Op)+" "+string(v))
		}
	}
	if t.When != "" {
		conds = append(conds, t.When)
	}
	if len(conds) > 0 {
		text += " where " + strings.Join(conds, " and ")
	}
	if t.Continue {
		text += "; later pipelines may take it, too"
	}
	return text + "."
}
