package web

import (
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// isTold reports whether a channel is told what it is meant for, be it in vain.
func isTold(c notify.Channel) bool {
	return c.State != notify.ChannelInactive && c.State != notify.ChannelOff
}

// namedBy fills in which active pipelines name the channel, and which of all pipelines are the worse for how it stands and for what it was called
// before its last change. What cannot be read is left out: the channel's page is of use without it.
func (w *Web) namedBy(c *gin.Context, page *channelPage) {
	page.Warnings = page.Channel.Warnings()
	list, err := w.Pipelines.List(c.Request.Context(), tenant(c), true)
	if err != nil {
		w.Log.WarnContext(c.Request.Context(), "pipelines not read", "error", err)
		return
	}
	for _, u := range orchestration.ChannelUses(list) {
		if u.IsActive && u.Channel == page.Channel.Name {
			page.Users = append(page.Users, u.Pipeline)
		}
	}
	page.Warnings = append(page.Warnings, w.leftBehind(c, page.Channel, list)...)
}

// leftBehind says what the channel's name before, which the address has after a change, means for pipelines.
func (w *Web) leftBehind(c *gin.Context, now notify.Channel, list []orchestration.Definition) []string {
	change := orchestration.ChannelChange{Was: c.Query("was"), Now: now.Name, Told: isTold(now)}
	if change.Was != "" && change.Was != now.Name {
		if _, err := w.Channels.Get(c.Request.Context(), tenant(c), change.Was); err == nil { // the address is old: there is one of that name again
			change.Was = ""
		}
	}
	return change.Warnings(list)
}

// mayGo is an error when active pipelines name the channel.
func (w *Web) mayGo(c *gin.Context, ch notify.Channel) error {
	list, err := w.Pipelines.List(c.Request.Context(), tenant(c), false)
	if err != nil || ch.BuiltIn() { // that one stays in any case, which the service says
		return err
	}
	return orchestration.ChannelFree(list, ch.Name)
}

// inVain lists what pipelines name in vain, by the pipeline's name. What cannot be read is left out.
func (w *Web) inVain(c *gin.Context, list []orchestration.Definition) map[string][]string {
	channels, err := w.Channels.List(c.Request.Context(), tenant(c))
	if err != nil {
		w.Log.WarnContext(c.Request.Context(), "channels not read", "error", err)
		return nil
	}
	told := make(map[string]bool, len(channels))
	for _, one := range channels {
		told[one.Name] = isTold(one)
	}
	out := map[string][]string{}
	for _, u := range orchestration.VainUses(list, told) {
		out[u.Pipeline] = append(out[u.Pipeline], u.Words)
	}
	return out
}
