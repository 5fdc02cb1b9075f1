package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

// Times of the event stream.
const (
	streamPause = 200 * time.Millisecond // between two writes, so that a storm is a few large ones
	streamBeat  = 20 * time.Second       // proxies cut connections that say nothing
	streamRetry = 2 * time.Second        // the browser's wait before it connects again
	writeLimit  = 10 * time.Second       // for a reader that takes nothing
)

// stream sends change hints until the caller goes or the hub stops: "event: incident", "data: {"id": "…"}". An event
// "reload" says that some were missed and anything may have changed; the first one stands for what happened before.
func (a *API) stream(c *gin.Context) {
	ctx := c.Request.Context()
	p, err := who(ctx)
	if err != nil {
		a.refuse(c, err)
		return
	}
	events, cancel := a.Events.Subscribe(p.Tenant)
	defer cancel()
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no") // nginx would keep events back
	c.Status(http.StatusOK)
	s := sse{to: c.Writer, control: http.NewResponseController(c.Writer)}
	if s.start() != nil {
		return
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if s.write([]byte(": still here\n\n")) != nil {
				return
			}
		case e, more := <-events:
			if !more || s.send(drain(e, events)...) != nil || clock.Sleep(ctx, streamPause) != nil {
				return
			}
		}
	}
}

// drain takes what else is waiting, each thing once.
func drain(first pubsub.Event, events <-chan pubsub.Event) []pubsub.Event {
	out, seen := []pubsub.Event{first}, map[pubsub.Event]bool{first: true}
	for {
		select {
		case e, more := <-events:
			if !more {
				return out
			}
			if !seen[e] {
				seen[e] = true
				out = append(out, e)
			}
		default:
			return out
		}
	}
}

// sse writes server-sent events.
type sse struct {
	to      io.Writer
	control *http.ResponseController
}

func (s sse) start() error {
	// The server's read timeout is for requests; it would end the stream.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if err := s.write(fmt.Appendf(nil, "retry: %d\n", streamRetry.Milliseconds())); err != nil {
		return err
	}
	return s.send(pubsub.Event{Kind: pubsub.Reload})
}

func (s sse) send(events ...pubsub.Event) error {
	var b []byte
	for _, e := range events {
		data, err := json.Marshal(map[string]string{"id": e.ID.String()})
		if err != nil {
			return err
		}
		b = fmt.Appendf(b, "event: %s\ndata: %s\n\n", e.Kind, data)
	}
	return s.write(b)
}

// write sets a deadline of its own: the server's is for answers that end.
func (s sse) write(b []byte) error {
	err := s.control.SetWriteDeadline(clock.System().Now().Add(writeLimit))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.to.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}
