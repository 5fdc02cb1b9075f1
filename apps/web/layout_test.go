package web_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestNothingSticksOut opens every page on a phone and on a laptop, with texts that have no place to break.
func TestNothingSticksOut(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	long := strings.Repeat("unbreakable", 30)
	h.channels[0].Name, h.channels[0].Description, h.sources[0].Name, h.sources[0].Description = long, long, long, long
	h.incidents[0].Title, h.incidents[0].Description = long, long
	h.incidents[0].Alerts[0].Name, h.incidents[0].Alerts[0].Labels["instance"], h.incidents[0].Alerts[0].Labels[long] = long, long, long
	for i := range h.told {
		h.told[i].ChannelName, h.told[i].IncidentTitle, h.told[i].Reason = long, long, long
	}
	h.messages[0].Title, h.receipts[0].Items[0].Name, h.receipts[2].Reason = long, long, long
	h.runs[0].DefinitionName, h.pipelines[0].Name, h.pipelines[0].Description = long, long, long
	for i := range h.checks {
		h.checks[i].Message, h.checks[i].Error = long, long
	}
	h.checks[0].Metrics = map[string]any{long: long, "recommendations": []any{long}}
	for i := range h.providers {
		r := &h.providers[i]
		r.Name, r.Description, r.Model, r.Warnings = long, long, long, []string{long}
		h.usage[i%2].Provider, h.pausedName = long, long
	}
	h.providers[2].Config = storage.Doc(json.RawMessage(`{"base_url":"https://` + long + `.example.com/"}`))
	a := &h.analyses[0]
	a.Record, a.ModelName, a.PromptVersion, a.Prompt = long, long, long, long
	a.Summary, a.ProbableCause, a.Provider = long, long+".", long
	a.Recommendations[0].Title, a.Recommendations[0].Description, a.Recommendations[0].Actions = long, long, []string{"ls " + long, "Look at " + long}
	a.Recommendations[1].Title = long
	a.Recommendations[0].Details = map[string]any{"removed_actions": []any{map[string]any{"action": long, "reason": long}}}
	for i := range a.Evidence {
		a.Evidence[i].Title, a.Evidence[i].Text = long, long
	}
	c := &h.changes[0]
	c.Title, c.Service, c.Author, c.Labels = long, long, long, map[string]string{long: long}
	h.preflights[0].List[0].Message, h.preflights[0].List[0].Hint, h.preflights[0].InstanceID, h.preflights[1].InstanceID = long, long, long, long
	for range 30 { // a list that is scrolled
		m := h.messages[0]
		m.ID, m.ReadAt = id.New(), nil
		h.messages = append([]notify.MessageView{m}, h.messages...)
	}
	b := open(t, serve(t, h))
	b.signIn()
	for _, size := range [][2]int64{{390, 844}, {1280, 900}} {
		b.run(emulation.SetDeviceMetricsOverride(size[0], size[1], 1, size[0] < 500))
		for name, path := range pages(h) {
			if name == "row" || name == "changes" {
				continue // parts of a page
			}
			b.visit(path)
			b.wait(`document.readyState === "complete"`)
			var wide []string
			b.run(chromedp.Evaluate(`[document.documentElement, ...document.querySelectorAll("main *")].filter(e =>
				(e === document.documentElement ? e.scrollWidth : e.getBoundingClientRect().right) > innerWidth + 1 && !e.closest(".graph, .tabs, .filters.stack, pre, .vh"))
				.slice(0, 3).map(e => e.tagName + "." + e.className)`, &wide))
			if len(wide) > 0 {
				t.Errorf("%s at %d px: %s", name, size[0], fmt.Sprint(wide))
			}
			var below bool // what is cut off must not make the page longer
			b.run(chromedp.Evaluate(`document.documentElement.scrollHeight > document.querySelector(".frame").getBoundingClientRect().bottom + scrollY + 1`, &below))
			if below {
				t.Errorf("%s at %d px is longer than what is on it", name, size[0])
			}
		}
	}
}
