package web_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestBrowserQueues leaves pages open while things change that no event tells of.
func TestBrowserQueues(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	h := demo(now())
	h.queues, h.trouble = quiet(now()), queue.Trouble{}
	s := serve(t, h)
	b := open(t, s)
	b.signIn()
	b.visit("/queues")
	b.live()
	b.wait(`document.getElementById("q-notify").innerText.includes("Nothing to do")`)
	h.mu.Lock()
	h.queues.Queues[1].Held = 7
	h.trouble = queue.Trouble{Late: "ingest", Since: h.ago(2 * time.Minute)}
	h.mu.Unlock()
	b.wait(`document.getElementById("q-notify").innerText.includes("Working")`)

	// The health line has a slower clock, which the test does not wait for.
	b.wait(`(htmx.trigger(document.body, "hub-slow"), document.querySelector("#health a[href='/queues/ingest']") !== null)`)
	h.mu.Lock()
	h.trouble = queue.Trouble{}
	h.mu.Unlock()
	b.wait(`(htmx.trigger(document.body, "hub-slow"), document.getElementById("health").innerText === "")`)

	// From the list by key into a queue, and on to what a row is about.
	b.key("j")
	b.key("j")
	b.key("\r")
	b.wait(`location.pathname === "/queues/notify" && document.querySelectorAll("[data-row]").length === 50`)
	b.click(`.filters a[href="/queues/notify?state=expired"]`)
	b.wait(`document.querySelectorAll("[data-row]").length === 2`)

	// A hub that does not answer is said once, in the page, and no toasts pile up.
	b.visit("/queues")
	b.live()
	h.events.Close() // ends the stream
	b.lose(s)
	b.wait(`!document.getElementById("lost").hidden && document.querySelectorAll(".toast").length === 0`)
}
