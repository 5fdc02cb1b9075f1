package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestBrowserSetUp changes a channel and a source as a person does.
func TestBrowserSetUp(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	w := newWorkshop(t, ownerToken)
	b := open(t, w.server)
	b.signIn()
	b.visit("/channels")
	b.click(`a[href="/channels/new"]`)
	b.wait(`document.getElementById("name") !== null`)
	fill := func(name, text string) {
		b.run(chromedp.Clear(`[name="`+name+`"]`, chromedp.ByQuery), chromedp.SendKeys(`[name="`+name+`"]`, text, chromedp.ByQuery))
	}
	fill("name", "ops")
	fill("config.endpoint", "http://10.0.0.1/hook")
	b.click(`details:has([name="config.headers.name"]) > summary`)
	fill("config.headers.name", "Authorization")
	b.wait(`document.querySelectorAll("[data-blank]").length === 2`) // the row that is used and an empty one below
	fill("config.headers.value", "Bearer canary")
	b.refuse("/channels")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.getElementById("config.endpoint-wrong").innerText.includes("HUB_EGRESS_ALLOW") && document.activeElement !== null`)
	b.wait(`document.getElementById("config.endpoint").getAttribute("aria-invalid") === "true" && document.getElementById("config.headers-wrong").innerText.includes("once more")`)
	fill("config.endpoint", "https://chat.example.com/h")
	fill("config.headers.value", "Bearer canary")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.querySelector("#toasts").innerText.includes("The channel is made")`)
	if got := w.sealed("channels", w.channel("ops").ID); got["headers.Authorization"] != "Bearer canary" {
		t.Fatalf("sealed: %v", got)
	}
	b.click(`form[action$="/switch"] button`)
	b.wait(`document.querySelector(".page-head .pill").innerText.includes("Inactive")`)
	b.click(".confirm > summary")
	b.click(".confirm button")
	b.wait(`location.pathname === "/channels" && document.querySelector("#toasts").innerText.includes("deleted")`)

	src, _, err := w.sources.Create(t.Context(), "default", sources.Input{Name: "prod", IsActive: true})
	if err != nil {
		t.Fatal(err)
	}
	b.visit("/sources")
	b.click(`#s-` + src.ID.String() + ` a`)
	b.wait(`document.getElementById("description") !== null`)
	fill("description", "both clusters")
	b.click(`.form > .row .btn.primary`)
	b.wait(`document.querySelector("#toasts").innerText.includes("Saved")`)
	b.click(".confirm > summary")
	b.click(".confirm button")
	b.wait(`document.getElementById("key") !== null && document.getElementById("key").innerText.startsWith("ihi_")`)
	if got := w.source("prod"); got.Description != "both clusters" || got.KeyHash == src.KeyHash {
		t.Errorf("%+v", got)
	}
}
