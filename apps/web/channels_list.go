package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
)

type channelsPage struct {
	Frame
	Channels []notify.Channel
}

func (w *Web) channelsList(c *gin.Context) {
	list, err := w.Channels.List(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	page := channelsPage{Frame: w.frame(c, "channels", "Channels"), Channels: list}
	if c.Query("done") == "deleted" {
		page.Toast = &Toast{Text: "The channel is deleted. The log of what it told stays.", Icon: "check", Tone: "ok"}
	}
	w.page(c, http.StatusOK, "channels", page)
}
