package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestAnalysisFollows: an analysis that somebody asks for by hand goes into the message that people have, where the channel can change it,
// and to nobody else.
func TestAnalysisFollows(t *testing.T) {
	t.Parallel()
	onQuiet(t, func(t *testing.T, h hub) {
		chat, slack := slackBot("chat")
		chat.open(t, h, nil)
		mail := servertest.NewReceiver(t)
		h.Tell("ops", mail)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		incident := h.Incident().ID
		h.Want(http.StatusOK, http.MethodPost, "/api/v1/incidents/"+incident+"/analyze", nil)
		testkit.Eventually(t, time.Minute, func() bool { return len(h.Deliveries("chat")) > 1 }, "the analysis is not told")
		list := chat.over(t, h)
		if len(list) != 2 || list[1].Kind != "updated" || list[1].State != "delivered" || list[1].Cause != "analysis" {
			t.Fatalf("deliveries %+v", list)
		}
		m := slack.Messages()
		if len(m) != 1 || m[0].Edits == 0 || !strings.Contains(m[0].Text, "the local analyzer") {
			t.Errorf("Slack shows %+v", m)
		}
		told(t, mail, "firing")
		h.Send(servertest.Resolve("Disk"))
		h.Rest()
		chat.over(t, h)
		h.Want(http.StatusOK, http.MethodPost, "/api/v1/incidents/"+incident+"/analyze", nil)
		if list := chat.over(t, h); len(list) != 3 {
			t.Errorf("what is over is told of: %+v", list)
		}
		atRest(t, h, nil)
	})
}

// sluggish is a machine that takes its time once.
type sluggish struct {
	host.Probe
	once *sync.Once
	by   time.Duration
}

func (s sluggish) Sample(ctx context.Context) (*host.Sample, error) {
	s.once.Do(func() { time.Sleep(s.by) })
	return s.Probe.Sample(ctx)
}

// TestAnalysisComesLate: a message that could not wait for its analysis has it later. It is not parallel to other tests: the analyzer has no
// time to lose.
func TestAnalysisComesLate(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	h := servertest.StartOn(t, nil, sluggish{&quiet{}, &sync.Once{}, 6500 * time.Millisecond}) // it has 10 s, the message 5 s
	chat, slack := slackBot("chat")
	chat.open(t, h, nil)
	mail := servertest.NewReceiver(t)
	h.Tell("ops", mail)
	h.Only("ai", servertest.Pipeline(nil, servertest.Ingest("think"),
		servertest.Map{"id": "think", "type": "intelligence", "config": servertest.Map{"provider": "local"}, "next": "tell"}, servertest.Notify("tell", "*")))
	got := h.Send(servertest.Fire("Disk"))
	mail.Waits(1)
	if text := mail.Last().Text; strings.Contains(text, "analyzer") {
		t.Fatalf("the message waited: %s", text)
	}
	var analysis servertest.Analysis
	testkit.Eventually(t, time.Minute, func() bool {
		list := h.Analyses("run_id=" + *got.RunID)
		if len(list) == 1 {
			analysis = list[0]
		}
		return len(list) == 1 && analysis.Status != "running"
	}, "the analysis is over")
	if analysis.Rung != "local" {
		t.Skipf("the machine is too slow for an analysis: %+v", analysis)
	}
	testkit.Eventually(t, 2*time.Minute, func() bool { m := slack.Messages(); return len(m) == 1 && m[0].Edits > 0 }, "the analysis is not shown")
	if m := slack.Messages(); !strings.Contains(m[0].Text, "the local analyzer") {
		t.Errorf("Slack shows %s", m[0].Text)
	}
	if list := chat.over(t, h); len(list) != 2 || list[1].Cause != "analysis" {
		t.Errorf("deliveries %+v", list)
	}
	told(t, mail, "firing")
	h.Rest()
}
