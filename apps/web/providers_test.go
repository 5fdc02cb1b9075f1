package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

func (w *workshop) provider(name string) analysts.Record {
	w.t.Helper()
	r, err := w.analysts.Get(w.t.Context(), "default", name)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestProviderForm(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	if text := w.get("/providers").text; !strings.Contains(text, "nothing leaves this machine") || !strings.Contains(text, "incidenthub setup-intelligence") {
		t.Error("a hub without providers does not say what that means")
	}
	if text := w.get("/providers/new?kind=copilot").text; !strings.Contains(text, "has not published this API") || !strings.Contains(text, `name="name" value="copilot"`) {
		t.Error("an experimental kind is not called so, or has no name to begin with")
	}
	made := w.post("/providers", "kind", "openai", "name", "main", "description", "of operations", "config.api_key", "canary-1", "config.model", "gpt-6-nova",
		"config.calls_per_hour", "20", "config.redact_emails", "true", "config.structured", "json", "config.headers.name", "X-Token", "config.headers.value", "canary-2")
	r := w.provider("main")
	path := "/providers/" + r.ID.String()
	if made.StatusCode != http.StatusSeeOther || made.Header.Get("Location") != path+"?done=made" {
		t.Fatalf("make: %d %s", made.StatusCode, made.Header.Get("Location"))
	}
	stored := func() map[string]any {
		var m map[string]any
		if err := json.Unmarshal(w.provider("main").Config.V, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	hidden := map[string]any{"configured": true}
	if diff := cmp.Diff(map[string]any{
		"api_key": hidden, "model": "gpt-6-nova", "calls_per_hour": 20.0, "redact_emails": true, "structured": "json", "headers": map[string]any{"X-Token": hidden},
	}, stored()); diff != "" || r.IsActive || r.Description != "of operations" {
		t.Errorf("%+v\n%s", r, diff)
	}
	sealed := map[string]string{"api_key": "canary-1", "headers.X-Token": "canary-2"}
	if diff := cmp.Diff(sealed, w.sealed("providers", r.ID)); diff != "" {
		t.Error(diff)
	}
	page := w.get(path).text
	for _, says := range []string{"Configured; empty keeps it", `value="gpt-6-nova"`, `name="config.redact_emails" value="true" checked`, `<option value="json" selected`, "api.openai.com", "Mail addresses, too.", `<option value="gpt-6-luna"></option>`} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not hold %q", says)
		}
	}
	if strings.Contains(page, "canary") {
		t.Error("the page holds a secret")
	}

	// Of two providers one is active.
	second := w.post("/providers", "kind", "ollama", "name", "own", "is_active", "true", "config.host", "")
	if second.StatusCode != http.StatusSeeOther || !strings.HasSuffix(second.Header.Get("Location"), "?done=on") || !w.provider("own").IsActive {
		t.Fatalf("make the second: %d %s", second.StatusCode, second.text)
	}
	if a := w.post(path+"/switch", "version", w.version(path), "active", "true"); a.StatusCode != http.StatusSeeOther || !w.provider("main").IsActive || w.provider("own").IsActive {
		t.Errorf("activate: %d", a.StatusCode)
	}
	if text := w.get("/providers").text; strings.Count(text, "</svg>Active</span>") != 1 || !strings.Contains(text, "asked first") {
		t.Error("the list does not show who is asked")
	}
	// Saving keeps it active, and keeps secrets that were left empty.
	if a := w.post(path, "version", w.version(path), "name", "main", "config.model", "", "config.api_key", "", "config.headers.name", "X-Token", "config.headers.value", ""); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("save: %d %s", a.StatusCode, a.text)
	}
	if r := w.provider("main"); !r.IsActive || r.Model != "gpt-6-luna" {
		t.Errorf("saved: %+v", r)
	}
	if diff := cmp.Diff(sealed, w.sealed("providers", r.ID)); diff != "" {
		t.Error(diff)
	}
	if a := w.post(path+"/switch", "version", "1", "active", "false"); a.StatusCode != http.StatusConflict || !w.provider("main").IsActive {
		t.Errorf("deactivate an old version: %d", a.StatusCode)
	}
	if a := w.post(path+"/switch", "version", w.version(path), "active", "false"); a.StatusCode != http.StatusSeeOther || w.provider("main").IsActive {
		t.Errorf("deactivate: %d", a.StatusCode)
	}
	if text := w.get("/providers").text; !strings.Contains(text, "asked first: no provider is active") {
		t.Error("the list does not say that the local analyzer is asked")
	}
	if a := w.post(path + "/delete"); a.StatusCode != http.StatusSeeOther || !strings.Contains(w.get(a.Header.Get("Location")).text, "The provider is deleted") {
		t.Errorf("delete: %d", a.StatusCode)
	}
	if a := w.get(path); a.StatusCode != http.StatusNotFound {
		t.Errorf("deleted: %d", a.StatusCode)
	}
	if left := w.sealed("providers", r.ID); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestProviderFormRefused(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	if a := w.post("/providers", "kind", "openai", "name", "main", "config.api_key", "canary-1"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	if a := w.post("/providers", "kind", "claude", "name", "other"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	path := "/providers/" + w.provider("main").ID.String()
	before, version := w.provider("main"), w.version(path)
	for name, tt := range map[string]struct {
		pairs []string
		field string // whose complaint it is
		says  string
	}{
		"no name":           {[]string{"name", " "}, "name", "Use 1 to 100 characters"},
		"name of the local": {[]string{"name", "local"}, "name", "meaning of their own"},
		"taken name":        {[]string{"name", "other"}, "name", "exists"},
		"own network":       {[]string{"config.base_url", "http://10.0.0.1/v1"}, "config.base_url", "HUB_EGRESS_ALLOW"},
		"another host":      {[]string{"config.base_url", "https://evil.example/v1"}, "config.api_key", "another host now"},
		"no number":         {[]string{"config.timeout_s", "soon"}, "config.timeout_s", "Must be a number"},
		"a bad number":      {[]string{"config.timeout_s", "-1"}, "config.timeout_s", "Must be from 0.1"},
		"a header twice":    {[]string{"config.headers.name", "A", "config.headers.value", "1", "config.headers.name", "a", "config.headers.value", "2"}, "config.headers", "A is there twice"},
	} {
		form := []string{"version", version}
		if !slices.Contains(tt.pairs, "name") {
			form = append(form, "name", "main")
		}
		a := w.post(path, append(form, tt.pairs...)...)
		_, rest, _ := strings.Cut(a.text, `id="`+tt.field+`-wrong"`)
		words, _, found := strings.Cut(rest, "</div>")
		if a.StatusCode != http.StatusUnprocessableEntity || !found || !strings.Contains(words, tt.says) {
			t.Errorf("%s: %d, beside %s: %q", name, a.StatusCode, tt.field, words)
		}
		if !strings.Contains(a.text, `<a href="#`+tt.field+`">`) || strings.Contains(a.text, "canary") {
			t.Errorf("%s: nothing leads to the field, or a secret is shown", name)
		}
	}
	if diff := cmp.Diff(before.Config.V, w.provider("main").Config.V); diff != "" || w.provider("main").Version != before.Version {
		t.Errorf("a refused form changed something:\n%s", diff)
	}
	// A key that was typed is not sent back.
	if a := w.post(path, "version", version, "name", "other", "config.api_key", "canary-2"); strings.Contains(a.text, "canary") || !strings.Contains(a.text, "Enter it once more") {
		t.Error("a typed key is sent back, or is not asked for again")
	}
	// Somebody was faster.
	if a := w.post(path, "version", version, "name", "main", "config.model", "gpt-6-nova"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	late := w.post(path, "version", version, "name", "main", "config.model", "typed")
	if late.StatusCode != http.StatusConflict || !strings.Contains(late.text, "somebody changed this provider") || !strings.Contains(late.text, "Stored now: <bdi>gpt-6-nova</bdi>") || !strings.Contains(late.text, `value="typed"`) {
		t.Errorf("late: %d", late.StatusCode)
	}
	for path, want := range map[string]int{"/providers/x": 404, "/providers/new?kind=psychic": 404, "/providers/new?kind=local": 404} {
		if a := w.get(path); a.StatusCode != want {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func TestProviderTest(t *testing.T) {
	t.Parallel()
	h := demo(now())
	s := serve(t, h)
	v := visit(t, s).signIn(ownerToken)
	path := "/providers/" + h.providers[2].ID.String()
	test := func() string {
		t.Helper()
		a := v.do(http.MethodPost, path+"/test", url.Values{"csrf": {v.csrf(path)}})
		if a.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
		_, rest, _ := strings.Cut(a.text, `id="tested"`)
		words, _, _ := strings.Cut(rest, "Usage")
		return words
	}
	if got := test(); !strings.Contains(got, "It works") || !strings.Contains(got, "gpt-6-luna-2026-09-01 answered in 812 ms.") {
		t.Error(got)
	}
	for class, want := range map[string]string{
		providers.ErrAuth: "Its key was refused. Enter a key", providers.ErrNetwork: "It could not be reached. http://10.0.0.9:11434: start the hub with HUB_EGRESS_ALLOW=10.0.0.9:11434.", providers.ErrTimeout: "It did not answer in time.", "odd_thing": "Odd thing.",
	} {
		h.testFails = class
		if got := test(); !strings.Contains(got, "It does not work") || !strings.Contains(got, want) || !strings.Contains(got, class+", after 312 ms") {
			t.Errorf("%s: %s", class, got)
		}
	}
	h.testFails, h.refuse = "", &analysts.Invalid{Problems: []analysts.Problem{{Field: "config.api_key", Message: "is missing in the store; enter it again"}}}
	if got := test(); !strings.Contains(got, "It cannot be asked") || !strings.Contains(got, "Is missing in the store") {
		t.Error(got)
	}
	h.refuse = storage.ErrUnavailable
	if a := v.do(http.MethodPost, path+"/test", url.Values{"csrf": {v.csrf(path)}}); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("no database: %d", a.StatusCode)
	}
	if len(h.tested) != 7 || h.tested[0] != h.providers[2].ID.String() {
		t.Errorf("tested: %v", h.tested)
	}
	reader := visit(t, s).signIn(readToken)
	if text := reader.get(path).text; strings.Contains(text, "/test\"") || strings.Contains(text, "Deactivate") || !strings.Contains(text, "fieldset class=\"plain\" disabled") {
		t.Error("who may only look is offered to change something")
	}
	for _, act := range []string{"", "/test", "/switch", "/delete"} {
		if a := reader.do(http.MethodPost, path+act, url.Values{"csrf": {reader.csrf("/incidents")}}); a.StatusCode != http.StatusForbidden {
			t.Errorf("who may only look: %s: %d", act, a.StatusCode)
		}
	}
}

// TestProvidersFare: the pages say who is in trouble, and what was spent.
func TestProvidersFare(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	list := v.get("/providers").text
	for _, want := range []string{
		"it did not answer in time</a>", "its quota is used up</a>", "Left alone, asked again", "it is overloaded", "The model gpt-4o-mini ended on 2026-10-01", "http://10.0.0.9:11434 is a private address", "6 calls · all failed",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	if strings.Index(list, `data-open href="/providers/`+h.providers[2].ID.String()) > strings.Index(list, `data-open href="/providers/`+h.providers[0].ID.String()) {
		t.Error("who is active is not the first")
	}
	page := v.get("/providers/" + h.providers[2].ID.String()).text
	for _, want := range []string{"of 60", "of 100\u2009000", "of 0.05", `class="p-bar critical"`, "answered from the cache", "As a table", "api.openai.com"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if text := v.get("/providers/" + h.providers[1].ID.String()).text; !strings.Contains(text, "It is left alone.") || !strings.Contains(text, "None in this time.") {
		t.Error("a provider that is left alone does not say so")
	}
	if text := v.get("/providers/" + h.providers[3].ID.String()).text; strings.Contains(text, "<h2>Usage</h2>") || !strings.Contains(text, "10.0.0.9:11434</b>") {
		t.Error("a provider that was never asked has usage, or does not say where questions go")
	}
	// The last error is of the past when something went well since.
	h.analyses[0].Status, h.analyses[0].ErrorClass = "succeeded", ""
	if text := v.get("/providers").text; strings.Contains(text, "it did not answer in time</a>") {
		t.Error("an error that is over is still shown")
	}
}

// TestAnalysisMade: who wrote it and why, what it cost, and what was taken out.
func TestAnalysisMade(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	page := v.get("/analyses/" + h.analyses[1].ID.String()).text
	for _, want := range []string{
		"openai gpt-6-luna-2026-09-01", "low confidence: it cites nothing", "3\u2009120 asked, 412 answered", "<dt>Money</dt><dd>0.0005</dd>", "<dt>Prompt version</dt><dd>3</dd>",
		"2 commands left out", "<s class=\"mono\">rm -rf /var/lib/batch</s>", "Recursive rm on an absolute path.", "What was asked", "What came back",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	first := "/analyses/" + h.analyses[0].ID.String()
	for _, want := range []string{"The local analyzer wrote this.", "10 of 37 alerts, 3 checks (1 failed), 1 earlier incident, 1 change, 1 runbook, shortened to fit"} {
		if !strings.Contains(v.get(first).text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	h.analyses[0].ErrorMessage += ": start the hub with HUB_EGRESS_ALLOW=10.0.0.9"
	if text := v.get(first).text; !strings.Contains(text, "Start the hub with HUB_EGRESS_ALLOW=10.0.0.9.") {
		t.Error("what to do about the error is not said")
	}
	h.analyses[0].ErrorClass, h.analyses[0].Rung = providers.ErrBudget, providers.RungFacts
	if text := v.get(first).text; !strings.Contains(text, "its budget is spent. These are the facts.") || strings.Contains(text, "<dt>Tokens</dt>") {
		t.Error("a spent budget is not said, or tokens of no call are")
	}
	h.analyses[1].Cached, h.analyses[1].CostMicros, h.analyses[1].CompletionTokens, h.analyses[1].PromptTokens, h.analyses[1].TotalTokens = true, nil, nil, nil, nil
	text := v.get("/analyses/" + h.analyses[1].ID.String()).text
	for _, want := range []string{"none: an answer to the same question served again", "the provider did not say", "<dt>Money</dt><dd>0</dd>"} {
		if !strings.Contains(text, want) {
			t.Errorf("of a cached answer the page does not say %q", want)
		}
	}
}
