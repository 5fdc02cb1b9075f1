package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

const (
	// beat keeps proxies from closing a quiet stream.
	beat = 20 * time.Second
	// streamLife is how long one stream lives; the browser opens another, by which its session is looked at again.
	streamLife = 10 * time.Minute
)

// wireChange is an event as the script reads it.
type wireChange struct {
	Kind string `json:"kind,omitempty"`
	ID   string `json:"id,omitempty"`
	All  bool   `json:"all,omitempty"`
}

// eventsStream tells a page what changes, as server-sent events, until the browser goes or the hub stops.
func (w *Web) eventsStream(c *gin.Context) {
	out := http.NewResponseController(c.Writer)
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	// A server's own write deadline would cut the stream; where there is none to set, there is none to lift.
	_ = out.SetWriteDeadline(time.Time{})
	ctx := c.Request.Context()
	changes, cancel := w.Events.Subscribe(tenant(c))
	defer cancel()
	if _, err := fmt.Fprint(c.Writer, "retry: 2000\n: here\n\n"); err != nil || out.Flush() != nil {
		return
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	for {
		text := ": beat\n\n"
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-tick.C:
		case change, ok := <-changes:
			if !ok {
				return
			}
			text = "event: change\ndata: " + wire(change) + "\n\n"
		}
		if _, err := fmt.Fprint(c.Writer, text); err != nil || out.Flush() != nil {
			return
		}
	}
}

func wire(e pubsub.Event) string {
	change := wireChange{Kind: e.Kind, ID: e.ID.String()}
	if e.Kind == pubsub.Reload {
		change = wireChange{All: true}
	}
	text, err := json.Marshal(change)
	if err != nil {
		return "{}" // three plain fields always marshal
	}
	return string(text)
}
