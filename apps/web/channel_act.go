package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// channelTestTime bounds a test that a person waits for: an attempt ends before it.
const channelTestTime = 28 * time.Second

// channelTested is what came of a test message, in words.
type channelTested struct {
	Tone, Icon string
	Head       string
	Text       string
	Facts      string // status, time, class
	Response   string
	Delivery   id.ID
}

// channelTest sends a test message by the channel as it is stored, and shows its page with what came of it.
func (w *Web) channelTest(c *gin.Context) {
	form, err := w.loadChannel(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	page, err := w.drawChannel(c, form)
	if err != nil {
		w.fail(c, err)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), channelTestTime)
	defer cancel()
	watch := clock.Start()
	got, err := w.Hand.Test(ctx, tenant(c), form.was.ID.String())
	switch bad := (*notify.Invalid)(nil); {
	case errors.As(err, &bad):
		for _, p := range bad.Problems {
			page.complain(complaint(p))
		}
		page.Tested = &channelTested{Tone: "critical", Icon: "failed", Head: "Nothing was sent", Text: "The settings cannot be used. " + sentence(bad.Problems[0].Field+": "+bad.Problems[0].Message)}
		page.Wrong = nil // nothing was to be saved
	case err != nil:
		w.fail(c, err)
		return
	default:
		page.Tested = channelTestWords(got, watch.Elapsed())
	}
	w.showChannel(c, http.StatusOK, page)
}

func channelTestWords(r notify.SendResult, took time.Duration) *channelTested {
	t := &channelTested{Response: r.Result.Response, Delivery: r.DeliveryID}
	facts := []string{"after " + span(took)}
	if r.Result.Status != 0 {
		facts = append([]string{"status " + strconv.Itoa(r.Result.Status)}, facts...)
	}
	if r.Result.Class != "" && !r.Success {
		facts = append(facts, r.Result.Class)
	}
	for i, f := range facts {
		if i > 0 {
			t.Facts += ", "
		}
		t.Facts += f
	}
	if r.Success {
		t.Tone, t.Icon, t.Head, t.Text = "ok", "ok", "It works", "The receiver took the test message. Look whether it is where people will see it."
		if r.Result.Class == "partly_refused" {
			t.Tone, t.Icon, t.Head, t.Text = "warning", "warning", "It arrived, but not for everybody", sentence(r.Result.Error)
		}
		if r.Remark != "" {
			t.Tone, t.Icon, t.Head, t.Text = "warning", "warning", "It arrived, but not as you meant it", sentence(r.Remark)
		}
		return t
	}
	t.Tone, t.Icon, t.Head = "critical", "failed", "It does not work"
	if r.Off != "" {
		t.Tone, t.Icon, t.Head, t.Facts = "warning", "warning", "Nothing was sent", ""
	}
	t.Text = sentence(r.Error)
	if advice := notify.Advice(r.Result); advice != "" {
		t.Text += " " + advice
	}
	return t
}
