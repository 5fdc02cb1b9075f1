package web_test

import (
	"bytes"
	"image/color"
	"image/png"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// drawn is over when the first frame shows the red line on top of the demo's mail. A page cannot look into a sandboxed frame, so the test
// looks at it as a person does.
func (b *browser) drawn() {
	b.t.Helper()
	b.run(chromedp.ScrollIntoView("iframe.mail", chromedp.ByQuery))
	testkit.Eventually(b.t, time.Minute, func() bool {
		var shot []byte
		return chromedp.Run(b.tab, chromedp.Screenshot("iframe.mail", &shot, chromedp.ByQuery)) == nil && hasRedLine(shot)
	}, "the mail is drawn")
}

func hasRedLine(shot []byte) bool {
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return false
	}
	size := picture.Bounds().Size()
	for y := range size.Y {
		if c, ok := color.NRGBAModel.Convert(picture.At(size.X/2, y)).(color.NRGBA); ok && c.R == 0xdc && c.G == 0x35 && c.B == 0x45 {
			return true
		}
	}
	return false
}

// TestBrowserPreview looks at messages before they are sent: about a sample, an incident and pasted payloads, short and long.
func TestBrowserPreview(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	b := open(t, serve(t, h))
	b.refuse("/channels/preview") // the browser reports scripts of mails that it did not run, and the refusal below
	b.signIn()
	b.visit("/channels")
	b.click(`a[href="/channels/preview"]`)
	b.wait(`document.querySelectorAll(".card").length === 3`)
	b.drawn()
	b.wait(`document.title.startsWith("Preview of messages")`) // the mail's script would have changed it, were it ours

	// Side by side where there is room, one below the other on a phone; what is missing is named.
	tops := `new Set([...document.querySelectorAll(".card")].map(c => Math.round(c.getBoundingClientRect().left))).size`
	b.wait(tops + ` === 2`)
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.wait(tops + ` === 1`)
	b.run(emulation.ClearDeviceMetricsOverride())
	b.wait(`[...document.querySelectorAll(".card .note code")].map(c => c.innerText).join() === "incident.owner,labels.cluster"`)

	// About an incident that is over, for one channel.
	pick := func(name, value string) {
		b.run(chromedp.SetValue(`.choose [name="`+name+`"]`, value, chromedp.ByQuery))
	}
	pick("incident", h.incidents[0].ID.String())
	pick("event", "resolved")
	pick("channel", h.channels[0].ID.String())
	b.click(".choose .btn")
	b.wait(`document.querySelectorAll(".card").length === 1 && document.querySelector(".card").innerText.includes("[RESOLVED]") && document.querySelector('[name="event"]').value === "resolved"`)
	b.drawn()

	// Pasted: what fits into an address, and what does not.
	paste := func(payload string) {
		b.run(chromedp.Evaluate(`document.querySelector("details.paste").open = true`, nil), chromedp.SetValue("#payload", payload, chromedp.ByQuery))
		b.click("details.paste form button")
	}
	b.visit("/channels/preview")
	paste(`{"alerts": 1}`)
	b.wait(`document.querySelector("#payload").value === '{"alerts": 1}' && document.querySelector("details.paste").open && document.querySelector("iframe.mail").src.includes("?z=")`)
	b.drawn()
	paste(`{"alerts": "long"}`)
	b.wait(`document.querySelector("#payload").value.includes("long") && document.querySelector("form.drawn").hidden`)
	b.drawn()
	b.wait(`document.title.startsWith("Preview of messages") && location.pathname === "/channels/preview" && innerWidth >= document.documentElement.scrollWidth`)
	paste("?")
	b.wait(`document.querySelector('[role="alert"]').innerText.includes("no driver knows this shape") && document.querySelector(".card") === null`)
}

// TestBrowserChannelTest sends test messages by the button, in place: one that arrives, one that is refused.
func TestBrowserChannelTest(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	w := newWorkshop(t, ownerToken)
	if a := w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	sent := id.New()
	says := func(r notify.SendResult) {
		w.hub.mu.Lock()
		defer w.hub.mu.Unlock()
		w.hub.handSays = r
	}
	b := open(t, w.server)
	b.signIn()
	b.visit("/channels/" + w.channel("ops").ID.String())
	b.run(chromedp.Evaluate(`window.same = true`, nil), chromedp.SetValue("#description", "half typed", chromedp.ByQuery))

	says(notify.SendResult{Success: true, DeliveryID: sent, Result: channel.Result{Verdict: channel.Done, Status: 202, Response: "<b>ok</b>"}})
	b.click(`form[action$="/test"] button`)
	b.wait(`document.querySelector("#tested .note.ok").innerText.includes("status 202") && document.querySelector("#tested .answer").innerText === "<b>ok</b>" && document.querySelector("#tested b") === null`)
	b.wait(`document.querySelector("#tested a").pathname === "/deliveries/` + sent.String() + `"`)

	says(notify.SendResult{Error: "receiver answered 401 Unauthorized", Result: channel.Result{Verdict: channel.Permanent, Status: 401, Class: "http_401"}})
	b.wait(`!document.querySelector('form[action$="/test"] button').disabled`)
	b.click(`form[action$="/test"] button`)
	b.wait(`document.querySelector("#tested .note.critical").innerText.includes("does not accept the credential") && document.querySelectorAll("#tested").length === 1`)
	b.wait(`window.same && document.querySelector("#description").value === "half typed"`) // what was typed is still there
}
