package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// refusal is an error answer in the shape that senders of webhooks know: {"status":"error","message":…}.
type refusal struct {
	status int
	body   gin.H
	retry  time.Duration
}

func refuse(status int, message string) *refusal {
	return &refusal{status: status, body: gin.H{"status": "error", "message": message}}
}

// after asks the sender to come back. Vendors retry 5xx only, so "later" is 503.
func (r *refusal) after(d time.Duration) *refusal {
	r.retry = d
	return r
}

func (r *refusal) write(c *gin.Context) {
	if r.retry > 0 {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(r.retry.Seconds()))))
	}
	if r.status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="incidenthub"`)
	}
	c.AbortWithStatusJSON(r.status, r.body)
}

func (w *Webhook) tooLarge() *refusal {
	return refuse(http.StatusRequestEntityTooLarge,
		fmt.Sprintf("The body is larger than %d bytes; send fewer alerts at once, or raise HUB_MAX_BODY.", w.MaxBody))
}

func (w *Webhook) unavailable() *refusal {
	return refuse(http.StatusServiceUnavailable, "The hub cannot store alerts at the moment; nothing was kept, send this again.").after(2 * time.Second)
}

func (w *Webhook) unknownDriver(name string) *refusal {
	r := refuse(http.StatusNotFound, "Unknown driver")
	r.body["driver"], r.body["available_drivers"] = clean(name, 80), w.Names
	return r
}

// badBody answers a body that is no JSON object within the limits.
func (w *Webhook) badBody(driver string, err error) *refusal {
	if driver != "" {
		if _, gerr := w.Drivers.Get(driver); gerr != nil {
			return w.unknownDriver(driver)
		}
	}
	return refuse(http.StatusBadRequest, "Invalid JSON payload: "+err.Error())
}

func (w *Webhook) failed(c *gin.Context, err error) *refusal {
	ctx := c.Request.Context()
	switch {
	case errors.Is(err, orchestration.ErrUnknownPipeline):
		return refuse(http.StatusUnprocessableEntity, "There is no active pipeline of the name given in ?pipeline=; GET /api/v1/definitions lists them.")
	case errors.Is(err, orchestration.ErrOverloaded):
		return refuse(http.StatusServiceUnavailable, "The hub is storing as fast as it can; send this again in a second.").after(time.Second)
	case errors.Is(err, storage.ErrUnavailable), ctx.Err() != nil:
		w.Log.WarnContext(ctx, "alerts not stored", "error", err)
		return w.unavailable()
	default:
		w.Log.ErrorContext(ctx, "alerts not stored", "error", err)
		return refuse(http.StatusServiceUnavailable, "The hub could not store the alerts; its log says why. Send this again.").after(5 * time.Second)
	}
}

// keptUnusable answers a good JSON object that no driver can use: it is kept as a receipt.
func keptUnusable(got orchestration.Accepted, p alerts.Parsed) *refusal {
	r := refuse(http.StatusUnprocessableEntity, "The body was kept, but holds no usable alert: "+got.Reason)
	r.body["receipt_id"], r.body["trace_id"], r.body["outcome"], r.body["duplicate"] = got.ReceiptID, got.TraceID, got.Outcome, got.Duplicate
	if len(p.Rejected) > 0 {
		r.body["rejected"] = p.Rejected[:min(len(p.Rejected), 100)]
	}
	return r
}

// queued is the asynchronous answer.
func queued(got orchestration.Accepted) gin.H {
	var first *id.ID
	if len(got.RunIDs) > 0 {
		first = &got.RunIDs[0]
	}
	out := gin.H{
		"status": "queued", "receipt_id": got.ReceiptID, "trace_id": got.TraceID, "run_id": first, "run_ids": got.RunIDs, "pipeline_id": first,
		"outcome": got.Outcome, "duplicate": got.Duplicate,
	}
	if got.Reason != "" {
		out["reason"] = got.Reason
	}
	return out
}

// synced is the answer with what the fold did.
func synced(got orchestration.Accepted, c event.Counters) gin.H {
	out := queued(got)
	out["status"] = "success"
	out["alerts_created"], out["alerts_updated"], out["alerts_resolved"] = c.AlertsCreated, c.AlertsUpdated, c.AlertsResolved
	out["incidents_created"], out["incidents_updated"] = c.IncidentsCreated, c.IncidentsUpdated
	if len(c.Errors) > 0 {
		out["status"], out["errors"] = "partial", c.Errors
	}
	return out
}
