package web_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestBrowserSilences makes a silence as a person does: from an incident, with a slip, looks at what it does, changes it and ends it.
func TestBrowserSilences(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	h.silenceSome()
	b := open(t, serve(t, h))
	b.signIn()
	fill := func(name, text string) {
		b.run(chromedp.Clear(`[name="`+name+`"]`, chromedp.ByQuery), chromedp.SendKeys(`[name="`+name+`"]`, text, chromedp.ByQuery))
	}
	incident := h.incidents[0].ID.String()
	b.visit("/incidents/" + incident)
	b.click(`a[href="/silences/new?incident=` + incident + `"]`)
	b.wait(`document.getElementById("matchers").value.includes("alertname=") && document.getElementById("ends").value === "2h"`)
	b.wait(`document.querySelector("aside").innerText.includes("2 firing alerts in 1 incident") && document.querySelector("aside").innerText.includes("12 of 431 messages")`)
	b.wait(`document.querySelector("#curl").innerText.includes("` + incident + `") && !document.querySelector("details.more").open`)

	// What it does is said while it is typed.
	typed := func(text string) {
		b.run(chromedp.SetValue("#matchers", text, chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("matchers").dispatchEvent(new Event("input", {bubbles: true}))`, nil))
	}
	typed(`team="nobody"`)
	b.wait(`document.querySelector("#effect").innerText.includes("It matches no alert now") && document.querySelector("#effect").innerText.includes('team="nobody"')`)
	typed("nonsense")
	b.wait(`document.querySelector("#effect").innerText.includes("Line 1: there is no =")`)
	typed(`team="payments"`)
	b.wait(`document.querySelector("#effect").innerText.includes("2 firing alerts in 1 incident")`)

	b.refuse("/silences")
	typed("nonsense")
	fill("comment", "roll back")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.getElementById("matchers-wrong").innerText.includes("Line 1: there is no =") && document.getElementById("matchers").getAttribute("aria-invalid") === "true"`)
	fill("matchers", `team="payments"`)
	b.run(chromedp.SetValue(`[name="ends"]`, "at", chromedp.ByQuery))
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.getElementById("ends_at-wrong").innerText.includes("Say when") && document.querySelector("details.more").open && document.getElementById("comment").value === "roll back"`)
	b.run(chromedp.SetValue(`[name="ends"]`, "4h", chromedp.ByQuery))
	b.click(`button[value="preview"]`)
	b.wait(`document.querySelector("aside").innerText.includes("12 of 431 messages") && document.getElementById("ends").value === "4h" && document.querySelector("h1").innerText === "New silence"`)
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.querySelector("#toasts").innerText.includes("It holds for every message") && document.querySelector("h1").innerText === "roll back"`)

	fill("comment", "roll back, once more")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.querySelector("h1").innerText === "roll back, once more"`)
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.wait(`document.documentElement.scrollWidth <= innerWidth`)
	b.click(".confirm > summary")
	b.wait(`document.querySelector(".confirm").innerText.includes("What it held back and still fires is told at once")`)
	b.click(".confirm button")
	b.wait(`location.pathname === "/silences" && document.querySelector("#toasts").innerText.includes("Ended")`)
	b.wait(`document.documentElement.scrollWidth <= innerWidth && document.querySelectorAll("tr[data-row]").length === 3`)
	b.run(emulation.ClearDeviceMetricsOverride())
	b.click(`.chips a[href*="expired"]`)
	b.wait(`document.querySelector("table").innerText.includes("roll back, once more") && document.querySelector(".chips [aria-current]").innerText === "Over"`)

	// The list follows what others do.
	b.visit("/silences")
	b.live()
	b.wait(`document.querySelector("table").innerText.includes("2 incidents wait")`)
	h.mu.Lock()
	for i := range h.silences {
		h.silences[i].Holding = 0
	}
	h.mu.Unlock()
	b.run(chromedp.Evaluate(`htmx.trigger(document.body, "hub-all"), 0`, nil))
	b.wait(`!document.querySelector("table").innerText.includes("incidents wait")`)
}
