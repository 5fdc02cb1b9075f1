package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/preflight"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	list := v.get("/changes").text
	for _, want := range []string{"checkout 2.41", `href="https://ci.example.com/41"`, "feature flag", "<span>eu-west-1</span>", `href="/changes?service=payments"`} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	one := v.get("/changes?service=payments").text
	if !strings.Contains(one, "retries 3 to 5") || strings.Contains(one, "checkout 2.41") || !strings.Contains(one, "Show every service") {
		t.Error("the changes of one service are not those of it alone")
	}
	if a := v.get("/changes?kind=scale"); !strings.Contains(a.text, "None of this kind") {
		t.Error("a kind of which there is none says something else")
	}
	card := v.get("/incidents/" + h.incidents[0].ID.String()).text
	_, card, _ = strings.Cut(card, `id="changes"`)
	card, _, _ = strings.Cut(card, "</section>")
	for _, want := range []string{"checkout 2.41", "10 min before", "same service, env", "made in another place", `href="/changes"`} {
		if !strings.Contains(card, want) {
			t.Errorf("the incident does not say %q: %s", want, card)
		}
	}
	if strings.Contains(card, "Logs of one month") {
		t.Error("an incident shows a change of last week")
	}
	h.changes = nil
	if a := v.get("/changes"); !strings.Contains(a.text, "incidenthub change") {
		t.Error("an empty page does not say how to record a change")
	}
	if a := v.get("/incidents/" + h.incidents[0].ID.String()); strings.Contains(a.text, "Changed before it") {
		t.Error("nothing was changed and there is a panel for it")
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	h := demo(now())
	s := serve(t, h)
	v := visit(t, s).signIn(ownerToken)
	page := v.get("/preflight").text
	for _, want := range []string{"1 thing is wrong, 1 thing is worth a look", "look at the rights of its user", "For information", "before=" + h.preflights[0].ID.String()} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, order := range [][2]string{{"takes no rows", "The database answers"}, {"takes no rows", "No active channel"}, {"No active channel", "The secret key"}} {
		if strings.Index(page, order[0]) > strings.Index(page, order[1]) {
			t.Errorf("%q does not stand above %q", order[0], order[1])
		}
	}
	if a := v.get("/preflight?before=" + h.preflights[0].ID.String()); !strings.Contains(a.text, "Show the newest") || !strings.Contains(a.text, "This was the first look") {
		t.Error("the earlier run is not shown")
	}
	if a := v.do(http.MethodPost, "/preflight", url.Values{"csrf": {v.csrf("/preflight")}}); a.StatusCode != http.StatusSeeOther || len(h.preflights) != 3 || h.preflights[0].TriggeredBy != "owner" {
		t.Errorf("looked again: %d, %d runs", a.StatusCode, len(h.preflights))
	}
	reader := visit(t, s).signIn(readToken)
	if a := reader.do(http.MethodPost, "/preflight", url.Values{"csrf": {reader.csrf("/incidents")}}); a.StatusCode != http.StatusForbidden || strings.Contains(reader.get("/preflight").text, "Look now") {
		t.Errorf("who may only look starts one: %d", a.StatusCode)
	}
	h.preflights = h.preflights[:1]
	h.preflights[0] = preflight.Sum([]preflight.Check{{Group: "database", Level: preflight.OK, Message: "The database answers"}}, "hub-1", "cron", h.now)
	if !strings.Contains(v.get("/preflight").text, "All is well") {
		t.Error("a good run is not called one")
	}
	h.preflights = nil
	if !strings.Contains(v.get("/preflight").text, "Nobody has looked yet") {
		t.Error("an empty page says something else")
	}
}
