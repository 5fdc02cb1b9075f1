package web

import (
	"encoding/json"
	"net/http"
	"slices"

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

// pipelinesTelling names the active pipelines that name the channel. What cannot be read is left out: it is only a hint.
func (w *Web) pipelinesTelling(c *gin.Context, name string) []string {
	list, err := w.Pipelines.List(c.Request.Context(), tenant(c), false)
	if err != nil {
		w.Log.WarnContext(c.Request.Context(), "pipelines not read", "error", err)
		return nil
	}
	var out []string
	for _, d := range list {
		var shape struct {
			Nodes []struct {
				Config struct {
					Channels []string `json:"channels"`
				} `json:"config"`
			} `json:"nodes"`
		}
		if !d.IsActive || json.Unmarshal(d.Config.V, &shape) != nil {
			continue
		}
		for _, n := range shape.Nodes {
			if slices.Contains(n.Config.Channels, name) && !slices.Contains(out, d.Name) {
				out = append(out, d.Name)
			}
		}
	}
	return out
}
