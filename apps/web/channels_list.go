package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
)

// channelForm is what was typed into the form for a new channel, and what was wrong with it.
type channelForm struct {
	Name, Endpoint, MinSeverity string
	Wrong                       []notify.Problem
}

type channelsPage struct {
	Frame
	Channels []notify.Channel
	Form     channelForm
}

func (w *Web) channelsList(c *gin.Context) { w.showChannels(c, http.StatusOK, channelForm{}) }

func (w *Web) showChannels(c *gin.Context, status int, form channelForm) {
	list, err := w.Channels.List(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	page := channelsPage{Frame: w.frame(c, "channels", "Channels"), Channels: list, Form: form}
	if c.Query("done") == "channel" {
		page.Toast = &Toast{Text: "The channel is made. Pipelines that tell every channel use it at once.", Icon: "check", Tone: "ok"}
	}
	w.page(c, status, "channels", page)
}

// channelCreate makes a channel of the driver generic, which posts messages to an address.
func (w *Web) channelCreate(c *gin.Context) {
	form := channelForm{
		Name: strings.TrimSpace(c.PostForm("name")), Endpoint: strings.TrimSpace(c.PostForm("endpoint")), MinSeverity: c.PostForm("min_severity"),
	}
	config, err := json.Marshal(map[string]string{"endpoint": form.Endpoint})
	if err != nil {
		w.fail(c, err)
		return
	}
	_, err = w.Channels.Create(c.Request.Context(), tenant(c), notify.ChannelInput{
		Name: form.Name, Driver: "generic", Config: config, IsActive: true, MinSeverity: event.Severity(form.MinSeverity),
	})
	var bad *notify.Invalid
	switch {
	case errors.As(err, &bad):
		form.Wrong = bad.Problems
	case errors.Is(err, notify.ErrExists):
		form.Wrong = []notify.Problem{{Field: "name", Message: notify.ErrExists.Error()}}
	case err != nil:
		w.fail(c, err)
		return
	default:
		c.Redirect(http.StatusSeeOther, "/channels?done=channel")
		return
	}
	w.showChannels(c, http.StatusUnprocessableEntity, form)
}
