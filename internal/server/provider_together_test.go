package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// TestProviderIsAskedOnce: fifty alerts of one incident, in one push and in fifty at once, are one question. All who asked have a row.
func TestProviderIsAskedOnce(t *testing.T) {
	t.Parallel()
	const n = 50
	one := func(i int) alert { return alert{Name: "Down", Labels: map[string]string{"pod": strconv.Itoa(i)}} }
	for name, send := range map[string]func(t *testing.T, h hub){
		"one push": func(_ *testing.T, h hub) {
			var all []alert
			for i := range n {
				all = append(all, one(i))
			}
			h.Send(servertest.Generic(all...))
		},
		"fifty pushes": func(t *testing.T, h hub) {
			t.Helper()
			errs := make(chan error, n)
			for i := range n {
				go func() {
					a, err := h.Try(http.MethodPost, "/alerts/webhook/", servertest.Generic(one(i)))
					if err == nil && a.Status != http.StatusAccepted && a.Status != http.StatusOK {
						err = fmt.Errorf("%d %s", a.Status, a.Body)
					}
					errs <- err
				}()
			}
			for range n {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) *servertest.Hub) {
				h, r, model := begin(servertest.Setup{Probe: &quiet{}}), servertest.NewReceiver(t), providertest.New(t, "openai")
				slow := model.Says(providertest.Analysis)
				slow.Delay = 6 * time.Second // so that all ask meanwhile, also on a slow machine
				model.Answer(slow)
				h.Tell("ops", r)
				h.Asks(model, nil)
				preset(t, h, "ai-analyzed")
				send(t, h)
				if in := h.Rest(); in.Counts["delivered"]+in.Counts["suppressed"] != n {
					t.Errorf("ledger %+v", in)
				}
				if got := h.Incident(); got.AlertCount != n {
					t.Errorf("%d alerts", got.AlertCount)
				}
				testkit.Eventually(t, time.Minute, func() bool { return len(h.Analyses("status=running")) == 0 }, "all analyses end")
				all := h.Analyses("")
				asked := 0
				for _, a := range all {
					if a.Rung != "provider" || a.Status != "succeeded" {
						t.Errorf("analysis %+v", a)
					}
					if !a.Cached {
						asked++
					} else if a.PromptTokens != nil && *a.PromptTokens != 0 {
						t.Errorf("one that asked nobody took %d tokens", *a.PromptTokens)
					}
				}
				if calls := len(model.Requests()); calls != 1 || asked != 1 || len(all) == 0 {
					t.Errorf("%d calls; %d of %d analyses asked", calls, asked, len(all))
				}
				if m := r.Waits(1)[0]; !strings.Contains(m.Text, "Analysis by openai") {
					t.Errorf("message\n%s", m.Text)
				}
			})
		})
	}
}

// TestProviderBudget: what is spent is spent for everybody. The local analyzer answers at once, the message says why, and one notice tells of it.
func TestProviderBudget(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]obj{
		"calls": {"calls_per_hour": 2},
		// An answer takes a thousand tokens, and what a call may take is set aside before it.
		"tokens": {"tokens_per_day": 2000 + 6000, "input_tokens": 3000, "max_tokens": 1000},
		"money":  {"money_per_day": 2.1 + 6, "price_input": 1000, "price_output": 1000, "input_tokens": 3000, "max_tokens": 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hour := time.Now().Truncate(time.Hour)
			problems := spends(t, name, more)
			if !hour.Equal(time.Now().Truncate(time.Hour)) { // the next one has a budget of its own
				problems = spends(t, name, more)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}

// spends has ten incidents analysed on a budget for fewer, and returns what is not as it should be.
func spends(t *testing.T, name string, more obj) (problems []string) {
	t.Helper()
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	model := providertest.New(t, "openai")
	model.OK(providertest.Analysis, providertest.Usage{Prompt: 900, Completion: 100})
	h, r := beginsToThink(t, nil, model, more)
	var refused []servertest.Analysis
	for i := range 10 {
		got := h.Send(servertest.Fire("Down-" + strconv.Itoa(i)))
		m := waitsFor(t, r, "[CRITICAL] Down-"+strconv.Itoa(i))
		h.Rest()
		a := h.Analyses("run_id=" + *got.RunID)[0]
		switch {
		case a.Rung == "provider" && len(refused) == 0:
		case a.Rung == "local" && a.Fallback && a.ErrorClass != "" && strings.Contains(m.Text, "Analysis by the local analyzer (openai: "):
			refused = append(refused, a)
		default:
			wrong("alert %d: %+v\n%s", i, a, m.Text)
		}
	}
	calls := len(model.Requests())
	if calls != 10-len(refused) || calls < 1 || len(refused) < 2 || name == "calls" && calls != 2 {
		wrong("%d calls, %d refused", calls, len(refused))
	}
	for _, a := range refused[:min(1, len(refused))] {
		t.Logf("%d calls, then %s", calls, a.ErrorClass)
	}
	testkit.Eventually(t, time.Minute, func() bool { return len(r.All()) > 10 }, "nobody is told that the budget is spent")
	h.Rest()
	notices := 0
	for _, m := range r.All() {
		if !strings.Contains(m.Title, "Down-") {
			notices++
			t.Logf("notice: %s\n%s", m.Title, m.Text)
		}
	}
	if notices != 1 {
		wrong("%d notices", notices)
	}
	return problems
}

// waitsFor waits for a message with this title.
func waitsFor(t *testing.T, r *servertest.Receiver, title string) (m servertest.Message) {
	t.Helper()
	testkit.Eventually(t, time.Minute, func() bool {
		for _, one := range r.All() {
			if one.Title == title {
				m = one
				return true
			}
		}
		return false
	}, "no message "+title)
	return m
}

// heard collects what all processes of a hub log.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *heard) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *heard) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
