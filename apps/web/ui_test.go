package web_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestBrowser goes through the UI as a person does. It is one test with one browser, because starting one takes longest.
func TestBrowser(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	b := open(t, serve(t, h))
	b.signIn()

	status := func(i int) event.IncidentStatus {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.incidents[i].Status
	}
	first, second := h.incidents[0].ID.String(), h.incidents[1].ID.String()

	// The list: j picks, a acknowledges in place, the row stays and the counts follow.
	b.live()
	b.wait(`document.querySelectorAll("[data-row]").length === 4`)
	b.key("j")
	b.wait(`document.querySelector("[data-row].is-sel").id === "i-` + first + `"`)
	b.key("a")
	b.wait(`document.getElementById("i-` + first + `").innerText.includes("Acknowledged")`)
	if got := status(0); got != event.IncidentAcknowledged {
		t.Fatalf("by key: %s", got)
	}
	b.wait(`document.querySelector("#tabs [aria-current] .count").innerText === "3" && document.getElementById("open-count").innerText === "3"`)
	b.wait(`document.querySelector("#toasts").innerText.includes("Acknowledged") && document.querySelector("[data-row].is-sel") !== null`)

	// By button, on the incident's page.
	b.key("j")
	b.key("\r")
	b.wait(`location.pathname === "/incidents/` + second + `"`)
	b.click(`button[data-key="a"]`)
	b.wait(`document.querySelector(".page-head .pill").innerText.includes("Acknowledged") && !document.querySelector('button[data-key="a"]')`)
	if got := status(1); got != event.IncidentAcknowledged {
		t.Fatalf("by button: %s", got)
	}

	// What another person does arrives, and does not take away what is being typed.
	b.key("n")
	b.wait(`document.activeElement.id === "note"`)
	b.key("half a note")
	if err := h.Note(t.Context(), "", h.incidents[1].ID, "dana", "seen it before"); err != nil {
		t.Fatal(err)
	}
	b.wait(`document.querySelector(".line-list").innerText.includes("seen it before") && document.querySelector("#note").value.endsWith("half a note")`)

	b.click("#notebox button")
	b.wait(`document.querySelector(".line-list .quote").innerText.endsWith("half a note") && document.querySelector("#note").value === ""`)

	// A refusal says why.
	h.mu.Lock()
	h.refuse = event.ErrRefused
	h.mu.Unlock()
	b.refuse("/resolve")
	b.click(`button[data-key="r"]`)
	b.wait(`document.querySelector("#toasts").innerText.includes("Refused")`)
	h.mu.Lock()
	h.refuse = nil
	h.mu.Unlock()

	// New incidents are announced, and the list does not move until they are asked for.
	b.visit("/incidents")
	b.live()
	h.mu.Lock()
	h.now = now()
	fresh := h.add("Fresh trouble", "grafana", "db-9", "", event.SeverityCritical, event.IncidentOpen, time.Second, 1, 1, nil)
	h.mu.Unlock()
	h.events.Publish("default", pubsub.Event{Kind: "incident", ID: fresh})
	b.wait(`document.querySelector(".newbar") && document.querySelector(".newbar").innerText.includes("1 new")`)
	b.wait(`!document.getElementById("i-` + fresh.String() + `")`)
	b.click(".newbar")
	b.wait(`document.getElementById("i-` + fresh.String() + `") !== null`)

	// Search, help and theme by key and click.
	b.live()
	b.key("?")
	b.wait(`document.getElementById("keys").open`)
	b.click("#keys button")
	b.key("/")
	b.wait(`document.activeElement.id === "find"`)
	b.run(chromedp.SetValue("#find", "backup", chromedp.ByQuery)) // typed keys would follow the slash, which is an event of its own here
	b.key("\r")
	b.wait(`document.querySelectorAll("[data-row]").length === 1 && document.body.innerText.includes("Nightly backup failed")`)
	b.click("[data-theme-switch]")
	b.wait(`["light", "dark"].includes(document.documentElement.dataset.theme)`)

	// A node of a run opens its panel.
	b.visit("/runs/" + h.runs[1].ID.String())
	b.click(`a[href="#node-grave"]`)
	b.wait(`getComputedStyle(document.getElementById("node-grave")).display === "block" && getComputedStyle(document.getElementById("node-history")).display === "none"`)
}

// hostile are texts that break out of one place or another when they are not escaped for it.
const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>'; alert(3);//{{.}}</textarea></title><svg onload=alert(4)> &lt;b&gt; javascript:alert(5)`

// TestHostileTexts puts them wherever a sender or a receiver can and opens every page.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	h.sources[0].Name, h.channels[1].Name, h.channels[1].Description = hostile, hostile, hostile
	for i := range h.incidents {
		d := &h.incidents[i]
		d.Title, d.Description, d.Sources = hostile, hostile, []string{hostile}
		for j := range d.Alerts {
			a := &d.Alerts[j]
			a.Name, a.Description, a.Source = hostile, hostile, hostile
			a.Labels = map[string]string{"instance": hostile, hostile: hostile}
			a.Annotations = map[string]string{"runbook_url": "javascript:alert(6)", hostile: "https://example.com/" + hostile}
		}
		for j := range h.lines[d.ID] {
			e := &h.lines[d.ID][j]
			e.Actor, e.AlertName = hostile, hostile
		}
	}
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for i := range h.told {
		d := &h.told[i]
		d.ChannelName, d.Driver, d.Reason, d.IncidentTitle, d.State = hostile, hostile, hostile, hostile, hostile
		for j := range d.Attempts {
			d.Attempts[j].Error, d.Attempts[j].Response = hostile, hostile
		}
	}
	for i := range h.messages {
		m := &h.messages[i]
		m.Title, m.Severity, m.ChannelName = hostile, hostile, hostile
		m.Body = json.RawMessage(`{"text":` + string(text) + `,"alerts":[{"name":` + string(text) + `,"instance":` + string(text) + `}],"links":[{"name":"x","url":` + string(text) + `},{"url":"javascript:alert(7)"}]}`)
	}
	for i := range h.receipts {
		r := &h.receipts[i]
		r.Driver, r.Reason, r.Body, r.Headers = hostile, hostile, string(text), map[string]string{hostile: hostile}
		for j := range r.Items {
			o := &r.Items[j]
			o.Name, o.Description, o.Rejected, o.Labels, o.Severity, o.Status = hostile, hostile, strings.Repeat(hostile, j%2), map[string]string{hostile: hostile}, hostile, hostile
		}
	}
	for i := range h.runs {
		r := &h.runs[i]
		r.DefinitionName, r.Source, r.EventKind, r.State = hostile, hostile, hostile, hostile
		for j := range r.Nodes {
			n := &r.Nodes[j]
			n.Reason, n.Choice, n.Output = hostile, hostile, text
		}
	}
	for i := range h.checks {
		h.checks[i].Message, h.checks[i].Error = hostile, hostile
		h.checks[i].Metrics = map[string]any{"cpu_percent": 50.0, hostile: hostile, "recommendations": []any{hostile}}
	}
	for i := range h.providers {
		r := &h.providers[i]
		r.Name, r.Description, r.Model, r.Warnings = hostile, hostile, hostile, []string{hostile}
		r.Config = storage.Doc(json.RawMessage(`{"model":` + string(text) + `,"base_url":` + string(text) + `,"headers":{` + string(text) + `:` + string(text) + `}}`))
		h.usage[i%2].Provider, h.pausedName = hostile, hostile
	}
	a := &h.analyses[0]
	a.Summary, a.ProbableCause, a.Provider, a.Record, a.ErrorClass, a.ModelName, a.PromptVersion, a.Prompt, a.RawAnswer = hostile, hostile, hostile, hostile, hostile, hostile, hostile, hostile, hostile
	for i := range a.Recommendations {
		r := &a.Recommendations[i]
		r.Title, r.Description, r.Priority, r.Actions = hostile, hostile, hostile, []string{hostile, "ls " + hostile}
		r.Details = map[string]any{"removed_actions": []any{map[string]any{"action": hostile, "reason": hostile}}}
	}
	for i := range a.Evidence {
		e := &a.Evidence[i]
		e.Title, e.Text, e.Ref, e.Status = hostile, hostile, "javascript:alert(8)", hostile
	}
	for i := range h.changes {
		c := &h.changes[i]
		c.Title, c.Kind, c.Service, c.Author, c.URL, c.Labels = hostile, hostile, hostile, hostile, "javascript:alert(9)", map[string]string{hostile: hostile}
	}
	for i := range h.preflights {
		r := &h.preflights[i]
		r.InstanceID, r.TriggeredBy = hostile, hostile
		r.List[0].Message, r.List[0].Hint = hostile, hostile
	}
	b := open(t, serve(t, h))
	b.signIn()
	for name, path := range pages(h) {
		if name == "row" || name == "changes" {
			continue // parts of a page
		}
		b.visit(path)
		b.wait(`document.readyState === "complete"`)
		b.wait(`document.querySelectorAll("img, script:not([src]), [onerror], [onload], a[href^='javascript:']").length === 0`)
		if name == "incidents" {
			b.wait(`document.querySelector("[data-row]").innerText.includes("<script>alert(2)</script>")`)
		}
	}
}
