package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Limits of a call with several messages.
const (
	maxBatch      = 50
	batchAtOnce   = 8
	batchNoMore   = 35 * time.Second // after it nothing more is begun: what is under way still ends in time
	defaultDriver = "generic"
)

// batchResult is what became of one message of several.
type batchResult struct {
	Index     int    `json:"index"`
	Success   bool   `json:"success"`
	Driver    string `json:"driver"`
	Channel   string `json:"channel,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	Error     string `json:"error,omitempty"`
	Disabled  bool   `json:"disabled,omitempty"` // the channel's settings say that nothing is sent
	Detail    string `json:"detail,omitempty"`   // in words
}

func (a *API) notifyBatch(ctx context.Context, tenant string, c *gin.Context) error {
	raw, err := notifyRaw(c)
	if err != nil {
		return err
	}
	var b struct {
		Notifications []json.RawMessage `json:"notifications"`
	}
	switch err := json.Unmarshal(raw, &b); {
	case err != nil:
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			if wrong.Field == "" {
				return refuseNotify(http.StatusBadRequest, `Invalid JSON payload: an object is wanted, such as {"notifications": […]}`)
			}
			return refuseNotify(http.StatusBadRequest, "notifications must be a list of messages")
		}
		return refuseNotify(http.StatusBadRequest, "Invalid JSON payload")
	case len(b.Notifications) == 0:
		return refuseNotify(http.StatusBadRequest, "No notifications provided: notifications must be a list of messages")
	case len(b.Notifications) > maxBatch:
		return refuseNotify(http.StatusBadRequest, "A call takes at most %d notifications; send the others in another one.", maxBatch)
	}
	results := make([]batchResult, len(b.Notifications))
	watch, free := clock.Start(), make(chan struct{}, batchAtOnce)
	var all sync.WaitGroup
	for i, one := range b.Notifications {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			results[i] = a.batched(ctx, tenant, i, one, watch.Elapsed() < batchNoMore && ctx.Err() == nil)
		})
	}
	all.Wait()
	ok := 0
	for _, r := range results {
		if r.Success {
			ok++
		}
	}
	status := "partial"
	switch ok {
	case len(results):
		status = "success"
	case 0:
		status = "error"
	}
	c.PureJSON(http.StatusOK, gin.H{"status": status, "total": len(results), "success_count": ok, "error_count": len(results) - ok, "results": results})
	return nil
}

// batched sends one message of several. Whatever goes wrong with it is no matter of the others.
func (a *API) batched(ctx context.Context, tenant string, i int, raw json.RawMessage, inTime bool) (r batchResult) {
	b := notifyBody{Driver: defaultDriver}
	r = batchResult{Index: i, Driver: defaultDriver}
	defer func() {
		if p := recover(); p != nil {
			a.log.ErrorContext(ctx, "message of a batch panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			r = batchResult{Index: i, Driver: r.Driver, Error: internalDetail}
		}
	}()
	err := readNotify(raw, &b)
	if b.Driver = strings.TrimSpace(b.Driver); b.Driver == "" {
		b.Driver = defaultDriver
	}
	r.Driver = b.Driver
	if err == nil && !inTime {
		err = refuseNotify(http.StatusServiceUnavailable, "not sent: the messages before it took too long")
	}
	if err != nil {
		r.Error = err.Error()
		return r
	}
	got, err := a.sent(ctx, tenant, &b, b.Driver)
	if err != nil {
		r.Error = a.batchError(ctx, err)
		return r
	}
	r.Success, r.Driver, r.Channel, r.MessageID, r.Error = got.Success, got.Driver, got.Channel, got.MessageID, contractFailure(&got)
	if got.Off != "" { // contract 8.2: success without sending
		r.Success, r.Disabled, r.Error, r.Detail = true, true, "", got.Error
	}
	if !r.Success {
		r.MessageID = ""
	}
	return r
}

// batchError says in one line why a message could not be sent at all.
func (a *API) batchError(ctx context.Context, err error) string {
	if n := (*notRead)(nil); errors.As(err, &n) {
		return n.Error()
	}
	f := a.fail(ctx, err)
	if len(f.Errors) == 0 {
		return f.Detail
	}
	lines := make([]string, len(f.Errors))
	for i, e := range f.Errors {
		lines[i] = strings.TrimPrefix(strings.ReplaceAll(e.Pointer, "/", "."), ".") + ": " + e.Message
	}
	return strings.Join(lines, "; ")
}
