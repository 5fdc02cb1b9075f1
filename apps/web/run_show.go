package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// nodePanel is what is shown of the node that was clicked.
type nodePanel struct {
	ID         string
	Type       string
	Doc        string
	State      string
	Reason     string
	Choice     string
	Duration   time.Duration
	Input      string
	Output     string
	Config     string
	Attempts   []orchestration.Attempt
	Deliveries []notify.DeliveryView
	Pruned     bool // input and output were there once
	First      bool // shown before anything is clicked
}

type runPage struct {
	Frame
	Run      orchestration.RunDetail
	Incident string // its title, "" for none
	Graph    picture
	Panels   []nodePanel
}

func (w *Web) runShow(c *gin.Context) {
	run, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	d, err := w.Flow.Run(c.Request.Context(), tenant(c), run)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := runPage{Frame: w.frame(c, "runs", d.DefinitionName+" · "+short(d.ID), Crumb{"Runs", "/runs"}), Run: d}
	told := map[id.ID]notify.DeliveryView{}
	if d.IncidentID != nil {
		if i, err := w.Incidents.Incident(c.Request.Context(), tenant(c), *d.IncidentID); err == nil {
			page.Incident = i.Title
		}
	}
	if len(d.Deliveries) > 0 {
		list, err := w.Deliveries.Deliveries(c.Request.Context(), tenant(c), notify.DeliveryFilter{Run: run}, storage.Paging{Limit: storage.MaxPageSize})
		if err != nil {
			w.fail(c, err)
			return
		}
		for _, one := range list.Items {
			told[one.ID] = one
		}
	}
	drawn := flowOf(d.Graph, d.Config)
	page.Graph = draw(drawn, d.Nodes)
	page.Panels = panels(drawn, &d, told)
	w.page(c, http.StatusOK, "run", page)
}

// panels has one panel a node, in the order of the definition. The one shown at first is what a person would look for: the
// node that failed, else the one at work, else the last one that did something.
func panels(f flow, d *orchestration.RunDetail, told map[id.ID]notify.DeliveryView) []nodePanel {
	states := map[string]*orchestration.NodeRun{}
	for i := range d.Nodes {
		states[d.Nodes[i].Node] = &d.Nodes[i]
	}
	if len(f.Nodes) == 0 { // no picture, but what happened is known
		for _, n := range d.Nodes {
			f.Nodes = append(f.Nodes, flowNode{ID: n.Node, Type: n.Type})
		}
	}
	out := make([]nodePanel, 0, len(f.Nodes))
	first, best := 0, -1
	for i, n := range f.Nodes {
		p := nodePanel{ID: n.ID, Type: n.Type, Doc: n.Doc, Config: n.Config}
		rank := 0
		if s := states[n.ID]; s != nil {
			fill(&p, s)
			rank = map[string]int{"failed": 4, "retrying": 3, "running": 2, "succeeded": 1}[s.State]
		}
		for _, link := range d.Deliveries {
			if one, ok := told[link.DeliveryID]; ok && link.Node == n.ID {
				p.Deliveries = append(p.Deliveries, one)
			}
		}
		if rank >= best && rank > 0 || best < 0 {
			first, best = i, rank
		}
		out = append(out, p)
	}
	if len(out) > 0 {
		out[first].First = true
	}
	return out
}

func fill(p *nodePanel, s *orchestration.NodeRun) {
	p.State, p.Reason, p.Choice, p.Output, p.Attempts, p.Pruned = s.State, s.Reason, s.Choice, string(s.Output), s.Attempts, s.Pruned
	if s.DurationMS != nil {
		p.Duration = time.Duration(*s.DurationMS * float64(time.Millisecond))
	}
	if n := len(s.Attempts); n > 0 {
		last := s.Attempts[n-1]
		p.Input = string(last.Input)
		if p.Output == "" {
			p.Output = string(last.Output)
		}
	}
}
