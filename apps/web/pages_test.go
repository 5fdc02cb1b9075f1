package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// pages are all that a person can open of h.
func pages(h *hub) map[string]string {
	return map[string]string{
		"incidents": "/incidents?tab=all", "incident": "/incidents/" + h.incidents[0].ID.String(), "people": "/incidents/" + h.incidents[0].ID.String() + "?show=people",
		"row": "/incidents/" + h.incidents[0].ID.String() + "/row", "changes": "/incidents/changes?tab=open", "runs": "/runs", "run": "/runs/" + h.runs[1].ID.String(),
		"running": "/runs/" + h.runs[0].ID.String(), "receipts": "/receipts", "receipt": "/receipts/" + h.receipts[0].ID.String(), "rejected": "/receipts/" + h.receipts[2].ID.String(),
		"inbox": "/inbox", "message": "/inbox/" + h.messages[0].ID.String(), "deliveries": "/deliveries", "ledger": "/ledger", "silences": "/silences", "silence": "/silences/new?incident=" + h.incidents[0].ID.String(), "delivery": "/deliveries/" + h.told[0].ID.String(), "why": "/why/" + h.runs[0].ID.String(), "told": "/deliveries?incident=" + h.incidents[0].ID.String(),
		"pipelines": "/pipelines", "pipeline": "/pipelines/" + h.pipelines[1].ID.String(), "channels": "/channels", "sources": "/sources",
		"queues": "/queues", "queue": "/queues/notify", "recent": "/changes", "changes of one": "/changes?service=checkout&kind=deploy", "preflight": "/preflight", "checks": "/checks", "check": "/checks/cpu?host=hub-1.eu-west.internal", "analysis": "/analyses/" + h.analyses[0].ID.String(),
		"written": "/analyses/" + h.analyses[1].ID.String(), "providers": "/providers", "new provider": "/providers/new?kind=copilot", "provider": "/providers/" + h.providers[2].ID.String(),
		"provider by hour": "/providers/" + h.providers[2].ID.String() + "?span=24h", "paused": "/providers/" + h.providers[1].ID.String(), "never asked": "/providers/" + h.providers[3].ID.String(),
		"connect": "/sources/connect?driver=zabbix", "welcome": "/welcome", "channel": "/channels/" + h.channels[0].ID.String(), "new channel": "/channels/new", "preview": "/channels/preview",
		"source": "/sources/" + h.sources[0].ID.String(), "of a source": "/receipts?source=" + h.sources[0].ID.String(),
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	says := map[string][]string{
		"incidents":  {"HighErrorRate", "checkout-1:8080", "Nightly backup failed", "ops: Failed"},
		"incident":   {"Acknowledge", "Rolling back now", "Severity raised from warning to critical", "log</a> has the alert", `href="https://runbooks.example.com/checkout"`},
		"people":     {"Rolling back now"},
		"run":        {"tell-inbox", "Chose the branch <b>yes</b>", "no path led here", "search similar incidents: no answer within 10 s", `class="g-edge taken"`, `class="g-edge untaken"`},
		"rejected":   {"Process again", "no driver knows this shape", "12345678901234567890"},
		"receipt":    {"Pipeline old did not want it", "severity is critical, it wants info", "Channel ops: Delivered", "a repeat: everyone who should know was told before", "5a3b1e0c9d7f2468"},
		"message":    {"Firing since", "https://runbooks.example.com/checkout"},
		"ledger":     {"night: severity is info, it wants critical", "&lt;b&gt;Nobody&lt;/b&gt;", "less bad than what this channel wants to hear", "The sums match"},
		"deliveries": {"the receiver answered 410 Gone", "no answer within 10 s"},
		"pipeline":   {"checker_names", "prometheus-eu", "severity in"},
		"connect":    {"YOUR-KEY", "HttpRequest", "curl -sS http://127.0.0.1"},
		"welcome":    {"All set"},
		"preview":    {"HighErrorRate", "<code>incident.owner</code>", "unexpected end", "&lt;script&gt;alert(1)", "2 parts", `sandbox title="The message as it looks"`, "2 messages have remarks"},
	}
	for name, path := range pages(h) {
		a := v.get(path)
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
		for _, want := range says[name] {
			if !strings.Contains(a.text, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
		if strings.Contains(a.text, "javascript:alert") && name != "receipt" && name != "message" {
			t.Errorf("%s links to a script", name)
		}
		if strings.Contains(a.text, "ZgotmplZ") {
			t.Errorf("%s has an unsafe value where none belongs", name)
		}
	}
	if strings.Contains(v.get(pages(h)["people"]).text, "started firing") {
		t.Error("the timeline of people tells of alerts")
	}
}

func TestEmptyHub(t *testing.T) {
	t.Parallel()
	h := emptyHub(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	if to := v.get("/").Header.Get("Location"); to != "/welcome" {
		t.Errorf("home of an empty hub: %s", to)
	}
	for path, want := range map[string]string{
		"/welcome": "Three steps", "/incidents": "Send a sample alert", "/runs": "No runs yet", "/receipts": "Nothing has come in yet",
		"/inbox": "No messages yet", "/deliveries": "Nobody was told anything yet", "/pipelines": "incidenthub apply",
		"/incidents?tab=all&q=disk": "No title has these words", "/runs?state=failed": "No run is in this state",
	} {
		if a := v.get(path); a.StatusCode != 200 || !strings.Contains(a.text, want) {
			t.Errorf("%s: %d, without %q", path, a.StatusCode, want)
		}
	}
	token := v.csrf("/welcome")
	if a := v.do(http.MethodPost, "/samples/grafana", url.Values{"csrf": {token}}); a.StatusCode != http.StatusSeeOther || len(h.receipts) != 1 {
		t.Errorf("sample: %d, %d receipts", a.StatusCode, len(h.receipts))
	}
	if a := v.do(http.MethodPost, "/samples/nagios", url.Values{"csrf": {token}}); a.StatusCode != http.StatusNotFound {
		t.Errorf("sample of nobody: %d", a.StatusCode)
	}
	if to := v.get("/").Header.Get("Location"); to != "/incidents" {
		t.Errorf("home afterwards: %s", to)
	}
	if !strings.Contains(v.get("/welcome").text, `<section class="step now"><span class="nr">2`) {
		t.Error("step 1 did not tick itself off")
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	v := visit(t, serve(t, demo(now()))).signIn(ownerToken)
	for path, want := range map[string]int{
		"/incidents/nope": 404, "/incidents/00000000-0000-7000-8000-000000000000": 404, "/runs/1": 404, "/receipts/x/raw": 404,
		"/incidents?before=x": 400, "/ledger?before=nonsense": 404, "/ledger?incident=x": 404, "/incidents/changes?since=x": 400, "/deliveries?incident=x": 404, "/sources/connect?driver=x": 404, "/inbox/y": 404,
	} {
		if a := v.get(path); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
}

func TestActs(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	path := "/incidents/" + h.incidents[0].ID.String()
	token := v.csrf(path)
	for _, step := range []struct{ act, status string }{{"acknowledge", "acknowledged"}, {"resolve", "resolved"}, {"reopen", "open"}, {"close", "closed"}} {
		a := v.do(http.MethodPost, path+"/"+step.act, url.Values{"csrf": {token}})
		if a.StatusCode != http.StatusSeeOther || string(h.incidents[0].Status) != step.status {
			t.Errorf("%s: %d, %s", step.act, a.StatusCode, h.incidents[0].Status)
		}
		if done := v.get(a.Header.Get("Location")); !strings.Contains(done.text, `class="toast"`) {
			t.Errorf("%s is not answered", step.act)
		}
	}
	if a := v.do(http.MethodPost, path+"/note", url.Values{"csrf": {token}, "text": {" \r\n"}}); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "The note is empty") {
		t.Errorf("empty note: %d %s", a.StatusCode, a.text)
	}
	v.do(http.MethodPost, path+"/note", url.Values{"csrf": {token}, "text": {"first\r\nsecond"}})
	if !strings.Contains(v.get(path).text, "first\nsecond") {
		t.Error("the note is not on the timeline")
	}
	if a := v.do(http.MethodPost, path+"/explode", url.Values{"csrf": {token}}); a.StatusCode != http.StatusNotFound {
		t.Errorf("unknown act: %d", a.StatusCode)
	}
	h.refuse = fmt.Errorf("the incident is closed: %w", event.ErrRefused)
	if a := v.do(http.MethodPost, path+"/resolve", url.Values{"csrf": {token}}, "HX-Request", "true"); a.StatusCode != http.StatusConflict || a.Header.Get("X-Hub-Error") != "The incident is closed." {
		t.Errorf("refused: %d %q", a.StatusCode, a.Header.Get("X-Hub-Error"))
	}
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	token := v.csrf("/channels/new")
	form := url.Values{"csrf": {token}, "name": {"grafana-1"}, "driver": {"grafana"}}
	made := v.do(http.MethodPost, "/sources/connect", form)
	if made.StatusCode != 200 || strings.Count(made.text, "ihi_9fQ2mXv0T3uB7sK1LwZr8YpC5dNe") != 3 {
		t.Errorf("new source: %d, the key is there %d times", made.StatusCode, strings.Count(made.text, "ihi_9fQ2mXv0T3uB7sK1LwZr8YpC5dNe"))
	}
	if again := v.do(http.MethodPost, "/sources/connect", form); again.StatusCode != 422 || !strings.Contains(again.text, "choose another name") {
		t.Errorf("the same name: %d", again.StatusCode)
	}
	rejected := "/receipts/" + h.receipts[2].ID.String()
	a := v.do(http.MethodPost, rejected+"/reprocess", url.Values{"csrf": {token}})
	if a.StatusCode != 303 || !strings.Contains(v.get(a.Header.Get("Location")).text, "taken in again from") {
		t.Errorf("reprocess: %d to %s", a.StatusCode, a.Header.Get("Location"))
	}
	v.do(http.MethodPost, "/inbox/read", url.Values{"csrf": {token}, "up_to": {h.messages[0].ID.String()}})
	if n, err := (inboxPart{h}).Unread(t.Context(), ""); n != 0 || err != nil {
		t.Errorf("%d unread after all were read, %v", n, err)
	}
}

func TestBooksOutOfBalance(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	if strings.Contains(v.get("/runs").text, "do not balance") {
		t.Error("a balanced hub complains")
	}
	h.mu.Lock()
	h.books.Balanced, h.books.Problem = false, "3 accepted observations have no ledger row"
	h.mu.Unlock()
	if !strings.Contains(v.get("/runs").text, "do not balance: 3 accepted observations") {
		t.Error("the page does not say that the books are wrong")
	}
}

func TestChangesCountWhatIsNew(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(ownerToken)
	since := "/incidents/changes?tab=open&since=" + h.incidents[2].ID.String()
	if got := v.get(since).text; !strings.Contains(got, "2 new") || !strings.Contains(got, `hx-swap-oob="true"`) {
		t.Errorf("changes: %s", got)
	}
	if got := v.get("/incidents/changes?tab=open&since=" + h.incidents[0].ID.String()).text; strings.Contains(got, "new</a>") {
		t.Errorf("nothing is new: %s", got)
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 30, 15, 0, time.UTC)
	for _, name := range web.Drivers() {
		body, err := web.Sample(name, at)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "{{") {
			t.Errorf("%s: a mark is left: %s", name, body)
		}
		d, err := doc.Decode(body, doc.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		drv, err := reg.Detect(d)
		if err != nil || drv.Name() != name {
			t.Errorf("%s is taken for %v, %v", name, drv, err)
			continue
		}
		p, err := drv.Parse(d)
		if err != nil || len(p.Observations) != 1 || len(p.Rejected) != 0 {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		o := p.Observations[0]
		if o.Status != event.StatusFiring || o.Severity == "" || o.Name == "" || o.StartedAt.IsZero() || at.Sub(o.StartedAt) > 3*time.Minute {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if _, err := web.Sample("../embed", at); err == nil {
		t.Error("a driver that is a path is served")
	}
	names := slices.Sorted(slices.Values(web.Drivers()))
	var want []string
	for _, d := range registry.Builtin() {
		want = append(want, d.Name())
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("vendors %v, drivers %v", names, want)
	}
}
