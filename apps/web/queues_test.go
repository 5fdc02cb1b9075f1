package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/queue"
)

func TestQueuesPage(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(readToken)
	says := func(path string, want ...string) string {
		t.Helper()
		a := v.get(path)
		if a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.StatusCode, a.text)
		}
		for _, w := range want {
			if !strings.Contains(a.text, w) {
				t.Errorf("%s does not say %q", path, w)
			}
		}
		return a.text
	}
	set := func(change func(v *queue.View, t *queue.Trouble)) {
		h.mu.Lock()
		defer h.mu.Unlock()
		change(&h.queues, &h.trouble)
	}
	says("/queues", "Late", "10\u2009000+", "hub-1.eu-west.internal", "context, intelligence", "Heard today")
	set(func(v *queue.View, _ *queue.Trouble) {
		v.Doorbell.Processes = nil
	})
	says("/queues", "Nobody works on it", "No process listens")
	set(func(v *queue.View, _ *queue.Trouble) {
		v.Doorbell.Away = "Redis is away since 2026-03-01T12:00:00Z: connection refused"
	})
	if text := says("/queues", "connection refused.", "Alerts are taken in and told all the same"); strings.Contains(text, "Nobody works on it") || strings.Contains(text, "Wake-ups") {
		t.Error("the page says what it cannot know while Redis is away")
	}
	set(func(v *queue.View, _ *queue.Trouble) { *v = quiet(now()) })
	if text := says("/queues", "There is no Redis", "Nothing to do", "HUB_REDIS_URL"); strings.Contains(text, "Wake-ups") {
		t.Error("there are wake-ups without Redis")
	}
}

func TestQueuePage(t *testing.T) {
	t.Parallel()
	h := demo(now())
	v := visit(t, serve(t, h)).signIn(readToken)
	first := v.get("/queues/notify").text
	for _, want := range []string{`href="/why/` + h.jobs[0].Ref.String(), `href="/runs/` + h.jobs[1].Ref.String(), "End a run that takes too long", "something new", "tell-everybody", "before=from-50"} {
		if !strings.Contains(first, want) {
			t.Errorf("without %q", want)
		}
	}
	second := v.get("/queues/notify?before=from-50").text
	if n := strings.Count(second, "data-row"); n != 10 || !strings.Contains(second, "First page") || strings.Contains(second, "hub-tick") {
		t.Errorf("second page: %d rows", n)
	}
	if n := strings.Count(v.get("/queues/notify?state=expired").text, "data-row"); n != 2 {
		t.Errorf("%d are abandoned", n)
	}
	if !strings.Contains(v.get("/queues/context?state=held").text, "Nothing is in this state") || !strings.Contains(v.get("/queues/context").text, "Nothing waits here") {
		t.Error("an empty queue says nothing")
	}
	for path, want := range map[string]int{"/queues/elsewhere": 404, "/queues/notify?state=x": 404, "/queues/notify?before=x": 400} {
		if a := v.get(path); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
}

func TestHealthLine(t *testing.T) {
	t.Parallel()
	h := emptyHub(now())
	v := visit(t, serve(t, h)).signIn(readToken)
	if got := v.get("/health-line").text; strings.Contains(got, "class=") || !strings.Contains(got, `hx-trigger="hub-slow from:body"`) {
		t.Errorf("a healthy hub: %s", got)
	}
	h.mu.Lock()
	h.trouble = queue.Trouble{Late: "notify", Since: h.ago(4 * time.Minute), Away: "Redis is away since 2026-03-01T12:00:00Z: connection refused"}
	h.books.Balanced, h.books.Problem = false, "3 accepted observations have no ledger row"
	h.mu.Unlock()
	for _, path := range []string{"/health-line", "/runs", "/incidents"} {
		got := v.get(path).text
		at := 0
		for _, want := range []string{"do not balance", `href="/ledger"`, "oldest in the queue notify has waited 4 min", `href="/queues/notify"`, "Redis is away", `href="/queues"`} {
			next := strings.Index(got[at:], want)
			if next < 0 {
				t.Fatalf("%s: no %q after the one before", path, want)
			}
			at += next
		}
	}
	if a := visit(t, serve(t, h)).get("/health-line"); a.StatusCode != http.StatusSeeOther && a.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %d", a.StatusCode)
	}
}
