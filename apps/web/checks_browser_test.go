package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// keep keeps a check as a pipeline would, and tells of it.
func (h *hub) keep(name string, status checkers.Status, message string) {
	h.mu.Lock()
	r := checkers.CheckRun{ID: id.New(), CheckerName: name, Hostname: "hub-1.eu-west.internal", Status: status, Message: message, Warning: new(70.0), Critical: new(90.0), ExecutedAt: h.now, Origin: checkers.OriginPipeline}
	h.checks = append([]checkers.CheckRun{r}, h.checks...)
	h.mu.Unlock()
	h.events.Publish("default", pubsub.Event{Kind: "check", ID: r.ID})
}

// TestBrowserChecks runs checks and looks at one, by button and key, on a screen and on a phone.
func TestBrowserChecks(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	b := open(t, serve(t, h))
	b.signIn()
	b.visit("/checks")
	b.live()

	// The worst first, with what it said before as a strip.
	b.wait(`[...document.querySelectorAll("[data-row] [data-open]")].map(a => a.innerText).join() === "cpu,http,memory"`)
	b.wait(`document.querySelectorAll("[data-row]:first-of-type .strip > span").length === 24 && document.querySelector(".strip > .critical").title.startsWith("Critical, ")`)

	// Another check arrives and moves up, the page stays.
	b.run(chromedp.Evaluate(`window.same = true`, nil))
	h.keep("memory", checkers.Critical, "Memory 97 % used")
	b.wait(`window.same && document.querySelector("#live-list").innerText.includes("Memory 97 % used") &&
		[...document.querySelectorAll("[data-row] [data-open]")].map(a => a.innerText).join() === "cpu,memory,http"`)

	// All of them by the button, in place.
	b.click(`.page-head form button`)
	b.wait(`window.same && document.querySelector("#toasts").innerText.includes("The checks were run") && !document.getElementById("live-list").innerText.includes("Not run yet") &&
		document.querySelectorAll("[data-row]").length === 4 && location.pathname === "/checks"`)
	b.wait(`document.documentElement.dataset.live === "on" && !document.querySelector(".page-head form button").disabled`)

	// Open one by key.
	b.key("k")
	b.wait(`document.querySelector("[data-row].is-sel") !== null`)
	h.keep("cpu", checkers.Critical, "CPU 99 % busy")
	b.wait(`document.querySelector("[data-row]").innerText.includes("CPU 99 % busy")`)
	for range 4 {
		b.key("k")
	}
	b.key("\r")
	b.wait(`location.pathname === "/checks/cpu" && document.querySelector(".meta .state").innerText.includes("Critical")`)
	b.live()

	// The chart: a line with a gap, thresholds and marks that say what they are, spans by click.
	b.wait(`document.querySelectorAll(".chart.hide-s .p-level title").length === 2 && document.querySelector(".chart.hide-s .p-level.critical title").textContent === "Critical at 90 %"`)
	b.wait(`[...document.querySelectorAll(".chart.hide-s .p-mark.warning title")].every(t => /^Warning, .*: \d+ %$/.test(t.textContent)) && document.querySelectorAll(".chart.hide-s .p-mark.warning").length > 2`)
	b.wait(`getComputedStyle(document.querySelector(".chart.only-s")).display === "none"`)
	b.run(chromedp.Evaluate(`window.marks = document.querySelectorAll(".chart.hide-s .p-x").length; window.line = document.querySelector(".chart.hide-s .p-line").getAttribute("d")`, nil))
	b.run(chromedp.Click(`//div[contains(@class,"chips")]/a[text()="6 h"]`, chromedp.BySearch))
	b.wait(`location.search.includes("span=6") && document.querySelector(".panel .chips [aria-current]").innerText === "6 h" && document.querySelector(".chart.hide-s .p-line").getAttribute("d") !== window.line`)
	b.live()

	// A run that ends elsewhere shows here, and the span stays.
	h.keep("cpu", checkers.OK, "CPU calm again")
	b.wait(`document.querySelector(".meta .state").innerText.includes("OK") && document.querySelector("table tbody tr").innerText.includes("CPU calm again") &&
		document.querySelector(".panel .chips [aria-current]").innerText === "6 h"`)
	b.click(`.page-head form button`)
	b.wait(`document.querySelector("#toasts").innerText.includes("The check was run") && document.querySelector("table tbody tr").innerText.includes("cpu was looked at")`)

	// Without script the same buttons work, by whole pages.
	h.mu.Lock()
	asked := len(h.asked)
	h.mu.Unlock()
	b.run(emulation.SetScriptExecutionDisabled(true))
	b.visit("/checks")
	b.click(`.page-head form button`)
	b.wait(`location.search === "?done=run" && document.querySelector("#toasts").innerText.includes("The checks were run") && typeof htmx === "undefined"`)
	b.visit("/checks/cpu?host=hub-1.eu-west.internal&span=7+days")
	b.click(`.page-head form button`)
	b.wait(`location.pathname === "/checks/cpu" && location.search.includes("done=run") && document.querySelector(".panel .chips [aria-current]").innerText === "7 days"`)
	b.run(emulation.SetScriptExecutionDisabled(false))
	h.mu.Lock()
	if len(h.asked) != asked+2 || h.asked[asked].Names != nil || len(h.asked[asked+1].Names) != 1 {
		t.Errorf("asked for %+v", h.asked[asked:])
	}
	h.mu.Unlock()

	// On a phone the chart of its own, what was measured above the long list, and the strip in the list.
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.visit("/checks/cpu?host=hub-1.eu-west.internal")
	b.wait(`getComputedStyle(document.querySelector(".chart.hide-s")).display === "none" && document.querySelector(".chart.only-s svg").getBoundingClientRect().width > 280 &&
		document.querySelector(".numbers").getBoundingClientRect().top < document.querySelector("table").getBoundingClientRect().top`)
	b.visit("/checks")
	b.wait(`document.querySelector("[data-row] .strip").getBoundingClientRect().height > 10 && document.documentElement.scrollWidth <= innerWidth`)
}

// TestBrowserAnalysis goes from an incident's card to the evidence, and asks again.
func TestBrowserAnalysis(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	s := serve(t, h)
	b := open(t, s)
	b.signIn()
	incident := h.incidents[0].ID
	at := "/incidents/" + incident.String()
	b.visit(at)
	b.live()
	card := `document.getElementById("analysis").innerText`
	b.wait(card + `.includes("Local analyzer") && ` + card + `.includes("high confidence") && ` + card + `.includes("openai did not write it: it did not answer in time.")`)

	// What it would type can be copied; nobody may read the clipboard here, so the button's word tells.
	b.click(`#analysis .cmd button`)
	b.wait(`document.querySelector("#analysis .cmd button.is-done span").textContent === "Copied"`)

	// From a claim to what it stands on.
	b.click(`#analysis .tags a[href$="#C1"]`)
	seen := `(() => { const r = document.querySelector(":target").getBoundingClientRect(); return r.height > 0 && r.top >= document.querySelector(".top").getBoundingClientRect().bottom && r.bottom <= innerHeight; })()`
	b.wait(`location.pathname.startsWith("/analyses/") && document.querySelector(":target").innerText.includes("/var/log 98 % used") && ` + seen)
	b.wait(`getComputedStyle(document.querySelector(":target")).backgroundColor !== getComputedStyle(document.querySelector("#A1")).backgroundColor`)
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.run(chromedp.Evaluate(`document.querySelector('.claimbox a[href="#H1"]').scrollIntoView({ block: "center" })`, nil)) // out from under the bottom bar
	b.click(`.claimbox a[href="#H1"]`)
	b.wait(`document.querySelector(":target").id === "H1" && ` + seen)

	// On a phone the card stands above what happened.
	b.visit(at)
	b.wait(`document.querySelector(".a-card").getBoundingClientRect().bottom <= document.querySelector(".a-main").getBoundingClientRect().top`)
	b.run(emulation.ClearDeviceMetricsOverride())

	// Again, in place; then one that a pipeline asked for arrives by itself.
	b.visit(at)
	b.live()
	b.run(chromedp.Evaluate(`window.same = true`, nil))
	b.click(`#analysis form button`)
	b.wait(`window.same && ` + card + `.includes("Found when asked again") && ` + card + `.includes("medium confidence") && document.querySelector("#toasts").innerText.includes("Analysed")`)
	h.mu.Lock()
	h.conclude(incident, "A pipeline found more")
	asked := len(h.analysed)
	h.mu.Unlock()
	h.events.Publish("default", pubsub.Event{Kind: "incident", ID: incident})
	b.wait(`window.same && ` + card + `.includes("A pipeline found more")`)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}

	// An analysis under way ends on its own page.
	h.mu.Lock()
	running := h.conclude(incident, "")
	h.analyses[0].Status, h.analyses[0].Rung, h.analyses[0].Recommendations, h.analyses[0].Evidence = "running", "", nil, nil
	h.mu.Unlock()
	b.visit("/analyses/" + running.String())
	b.live()
	b.wait(`document.getElementById("analysis").innerText.includes("Under way")`)
	h.mu.Lock()
	h.analyses[0].Status, h.analyses[0].Rung, h.analyses[0].Summary = "succeeded", "facts", "The database fills its disk"
	h.mu.Unlock()
	h.events.Publish("default", pubsub.Event{Kind: "analysis", ID: running})
	b.wait(`document.querySelector("#analysis h1").innerText === "The database fills its disk" && document.querySelector("#analysis .meta").innerText.includes("Facts only")`)

	// One that nobody analysed offers it, and who may only look is offered nothing.
	second := "/incidents/" + h.incidents[2].ID.String()
	b.visit(second)
	b.live()
	b.wait(card + `.includes("Nobody has analysed it") && document.querySelector("#analysis form button").innerText.includes("Analyse now")`)
	b.click(`#analysis form button`)
	b.wait(card + `.includes("Found when asked again") && document.querySelector("#analysis form button").innerText.includes("Again")`)

	reader := open(t, s)
	reader.visit("/login")
	reader.run(chromedp.SendKeys(`input[name="token"]`, readToken+"\r", chromedp.ByQuery))
	reader.wait(`location.pathname === "/incidents"`)
	for _, path := range []string{at, "/checks", "/checks/cpu?host=hub-1.eu-west.internal", "/preflight"} {
		reader.visit(path)
		reader.wait(`document.readyState === "complete" && document.querySelectorAll("main form").length === 0 && document.querySelector("main h1, main table") !== null`)
	}
}

// TestBrowserSetup looks at the hub's own setup.
func TestBrowserSetup(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	h.preflights = nil
	b := open(t, serve(t, h))
	b.signIn()
	b.visit("/preflight")
	b.wait(`document.getElementById("setup").innerText.includes("Nobody has looked yet")`)
	b.click(`#setup form button`)
	b.wait(`document.querySelector("#setup h1").innerText.startsWith("1 thing is wrong") && document.querySelector("#toasts").innerText.includes("Looked at the setup")`)
	h.mu.Lock()
	h.now = h.now.Add(time.Second)
	h.mu.Unlock()
	b.click(`#setup form button`)
	b.wait(`document.querySelectorAll("#setup aside .items a").length === 1`)
	b.click(`#setup aside .items a`)
	b.wait(`document.querySelector("#setup .meta").innerText.includes("Show the newest")`)
	b.visit("/changes")
	b.click(`.chips a[href$="kind=deploy"]`)
	b.wait(`document.querySelectorAll("#live-list tbody tr").length === 1 && document.querySelector("#live-list").innerText.includes("checkout 2.41")`)
}

// TestBrowserRealLooks is a page of a whole hub: it hears of checks and analyses that others ask for.
func TestBrowserRealLooks(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	hub := servertest.Start(t, nil)
	b := open(t, &httptest.Server{URL: hub.URL})
	b.visit("/login")
	b.run(chromedp.SendKeys(`input[name="token"]`, servertest.AdminKey+"\r", chromedp.ByQuery))
	b.wait(`location.pathname !== "/login"`)
	b.visit("/checks")
	b.live()
	b.wait(`document.body.innerText.includes("No check has run yet") && document.querySelectorAll(".rest form").length > 10`)
	if status, body := hub.Do(http.MethodPost, "/api/v1/checks/run", map[string]any{"checkers": []string{"memory"}}); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	b.wait(`document.querySelector("[data-row] [data-open]")?.innerText === "memory"`)
	b.click(`.rest form:has(input[value="raid"]) button`)
	b.wait(`document.querySelectorAll("[data-row]").length === 2 && document.querySelector("#toasts").innerText.includes("The checks were run")`)

	if status, body := hub.Do(http.MethodPost, "/alerts/webhook/alertmanager", servertest.Fire("HostUnhealthy")); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	b.visit("/incidents")
	b.wait(`htmx.trigger(document.body, "hub-all"), document.querySelector("[data-row] [data-open]") !== null`)
	b.click(`[data-row] [data-open]`)
	b.wait(`location.pathname.startsWith("/incidents/") && document.getElementById("analysis") !== null`)
	b.live()
	b.click(`#analysis form button`)
	card := `document.getElementById("analysis").innerText`
	testkit.Eventually(t, 30*time.Second, func() bool {
		var done bool
		return chromedp.Run(b.tab, chromedp.Evaluate(`!!document.querySelector('#analysis a[href^="/analyses/"]') && !`+card+`.includes("Nobody has")`, &done)) == nil && done
	}, "no analysis on the incident")
	b.click(`#analysis a.end`)
	b.wait(`location.pathname.startsWith("/analyses/") && document.querySelector("#analysis .evidence #A1") !== null`)
	b.visit("/preflight")
	b.click(`#setup form button`)
	b.wait(`document.querySelectorAll("#setup .found").length > 5`)
}
