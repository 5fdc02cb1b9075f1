package web_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/providers"
)

// TestBrowserProviders sets a provider up as a person does: adds it, sees it refused, tests it, activates it, takes it away.
func TestBrowserProviders(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	w := newWorkshop(t, ownerToken)
	b := open(t, w.server)
	b.signIn()
	fill := func(name, text string) {
		b.run(chromedp.Clear(`[name="`+name+`"]`, chromedp.ByQuery), chromedp.SendKeys(`[name="`+name+`"]`, text, chromedp.ByQuery))
	}
	b.visit("/providers")
	b.wait(`document.querySelector(".empty").innerText.includes("The local analyzer answers")`)
	b.click(`.rail a[href="/providers"][aria-current="page"]`)
	b.click(`a[href="/providers/new"]`)
	b.click(`.chooser a[href="/providers/new?kind=openai"]`)
	b.wait(`document.querySelector(".chooser .on").innerText === "OpenAI" && document.getElementById("name").value === "openai"`)
	fill("name", "main")
	fill("config.api_key", "canary")
	b.click(`.more > summary`)
	b.wait(`document.getElementById("config.calls_per_hour").placeholder === "60"`)
	fill("config.calls_per_hour", "many")
	b.refuse("/providers")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.getElementById("config.calls_per_hour-wrong").innerText.includes("Must be a number") && document.getElementById("config.calls_per_hour").closest("details").open`)
	b.wait(`document.getElementById("config.api_key").value === "" && document.getElementById("config.api_key-wrong").innerText.includes("once more")`)
	fill("config.api_key", "canary")
	fill("config.calls_per_hour", "20")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.querySelector("#toasts").innerText.includes("Test it, then activate it")`)
	if got := w.sealed("providers", w.provider("main").ID); got["api_key"] != "canary" {
		t.Fatalf("sealed: %v", got)
	}

	// What came of a test stands where it was asked for; what was typed below stays.
	fill("description", "half a word")
	b.run(chromedp.Evaluate(`window.same = true`, nil))
	b.click(`form[action$="/test"] button`)
	b.wait(`document.getElementById("tested").innerText.includes("answered in 812 ms") && window.same && document.getElementById("description").value === "half a word"`)
	w.hub.mu.Lock()
	w.hub.testFails = providers.ErrAuth
	w.hub.mu.Unlock()
	b.click(`form[action$="/test"] button`)
	b.wait(`document.getElementById("tested").innerText.includes("Its key was refused.") && !document.getElementById("tested").innerText.includes("It works")`)

	b.click(`form[action$="/switch"] button`)
	b.wait(`document.querySelector(".page-head .pill").innerText.includes("Active") && document.querySelector("#toasts").innerText.includes("Activated")`)
	b.visit("/providers")
	b.live()
	b.wait(`document.querySelector(".ladder li").innerText.includes("main") && document.querySelectorAll("[data-row]").length === 1`)
	b.key("j")
	b.key("\r")
	b.wait(`location.pathname === "/providers/` + w.provider("main").ID.String() + `"`)
	b.click(".confirm > summary")
	b.click(".confirm button")
	b.wait(`location.pathname === "/providers" && document.querySelector("#toasts").innerText.includes("deleted")`)
}

// TestBrowserUsage looks at what a provider cost, on a laptop and on a phone.
func TestBrowserUsage(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	b := open(t, serve(t, h))
	b.signIn()
	b.visit("/providers/" + h.providers[2].ID.String())
	drawn := `[...document.querySelectorAll(".amounts")].filter(a => a.offsetParent !== null)`
	b.wait(drawn + `.length === 1 && ` + drawn + `[0].querySelectorAll("svg").length === 3 && document.querySelectorAll("progress").length === 3`)
	b.wait(`[...` + drawn + `[0].querySelectorAll("rect")].every(r => r.getBoundingClientRect().height >= 0.5) && getComputedStyle(document.querySelector(".p-bar")).fill !== "rgb(0, 0, 0)"`)
	b.click(`.usage .chips a:first-child`)
	b.wait(`location.search === "?span=24h" && document.querySelector(".usage .chips [aria-current]").innerText === "24 hours" && ` + drawn + `[0].querySelector("svg").querySelectorAll("rect").length > 8`)
	b.click(`.usage details > summary`)
	b.wait(`document.querySelector(".usage table").getBoundingClientRect().height > 40`)
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.wait(drawn + `.length === 1 && ` + drawn + `[0].classList.contains("only-s") && document.documentElement.scrollWidth <= innerWidth`)

	// From the last error to the analysis that it is about.
	b.run(emulation.ClearDeviceMetricsOverride())
	b.visit("/providers")
	b.live()
	b.click(`#p-` + h.providers[2].ID.String() + ` .trouble a`)
	b.wait(`location.pathname === "/analyses/` + h.analyses[0].ID.String() + `" && document.querySelector(".note.warning").innerText.includes("it did not answer in time")`)
}
