package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Intake takes pushes in; *orchestration.Engine fits by its Intake and Wait.
type Intake interface {
	Accept(ctx context.Context, p *orchestration.Push) (orchestration.Accepted, error)
	Wait(ctx context.Context, tenant string, receipt id.ID) *event.Folded
}

// Entries finds configured sources; it is asked on every push and answers from memory.
type Entries interface {
	ByID(i id.ID) (sources.Entry, bool)
	ByName(tenant, name string) (sources.Entry, bool)
	Default(tenant string) (sources.Entry, bool)
}

// WebhookConfig is what the webhook door needs.
type WebhookConfig struct {
	Log      *slog.Logger
	Clock    clock.Clock
	Auth     Auth
	Entries  Entries
	Drivers  alerts.Registry
	Names    []string // of the drivers
	Intake   Intake
	Limits   doc.Limits
	MaxBody  int64 // bytes, compressed and decompressed
	InFlight int64 // bytes of bodies under way; above it pushes are answered with 503
	Tenant   string
}

// Webhook is the door for monitoring tools.
type Webhook struct {
	WebhookConfig
	bytes atomic.Int64
	large chan struct{} // places for reading large bodies
}

// largeBody is from where on a body is large: while it is read it takes many times its size of memory, so few are read at once.
const largeBody = 64 << 10

func (w *Webhook) parse(driver string, body []byte) (alerts.Parsed, error) {
	if len(body) >= largeBody {
		w.large <- struct{}{}
		defer func() { <-w.large }()
	}
	return alerts.Parse(w.Drivers, driver, body, w.Limits)
}

// NewWebhook returns the door.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	if c.Log == nil || c.Auth == nil || c.Entries == nil || c.Drivers == nil || c.Intake == nil {
		return nil, errors.New("api: the webhook door needs Log, Auth, Entries, Drivers and Intake")
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	return &Webhook{WebhookConfig: c, large: make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
}

// syncWait is how long ?sync=1 waits for the fold.
const syncWait = 10 * time.Second

// Register adds the routes, with and without the slash at the end.
func (w *Webhook) Register(e *gin.Engine) {
	for _, p := range []string{"/alerts/webhook", "/alerts/webhook/", "/alerts/webhook/:driver", "/alerts/webhook/:driver/"} {
		e.POST(p, w.push)
		e.GET(p, w.describe)
	}
}

// describe answers a look at the address.
func (w *Webhook) describe(c *gin.Context) {
	_, _, ref := w.sender(c)
	if ref != nil {
		ref.write(c)
		return
	}
	driver := c.Param("driver")
	if driver == "" {
		c.PureJSON(http.StatusOK, gin.H{"status": "ok", "message": "POST alerts here; the tool is recognised by the shape of the body.", "driver": "auto-detect"})
		return
	}
	if _, err := w.Drivers.Get(driver); err != nil {
		w.unknownDriver(driver).write(c)
		return
	}
	c.PureJSON(http.StatusOK, gin.H{"status": "ok", "message": "POST " + driver + " webhooks here.", "driver": driver})
}

func (w *Webhook) push(c *gin.Context) {
	started := w.Clock.Now()
	size, ref := w.reserve(c)
	if ref != nil {
		ref.write(c)
		return
	}
	defer func() { w.bytes.Add(-size) }()
	// The key is checked before the body is read; a signature needs the body.
	principal, entry, ref := w.sender(c)
	if ref != nil && (ref.status != http.StatusUnauthorized || !w.mayBeSigned(c)) {
		ref.write(c)
		return
	}
	keyed := ref == nil
	driver := c.Param("driver")
	if driver != "" && keyed {
		if _, err := w.Drivers.Get(driver); err != nil {
			w.unknownDriver(driver).write(c)
			return
		}
	}
	raw, body, ref := w.read(c)
	if ref != nil {
		ref.write(c)
		return
	}
	if entry, ref = w.signed(c, entry, raw, driver, keyed, started); ref != nil {
		ref.write(c)
		return
	}
	if more := int64(len(body)) - size; more > 0 { // it was compressed, or its length was not announced
		if w.bytes.Add(more) > w.InFlight {
			w.bytes.Add(-more)
			busy().write(c)
			return
		}
		size += more
	}
	if driver == "" {
		driver = entry.Driver
	}
	tenant := entry.Tenant
	if principal.Tenant != "" {
		tenant = principal.Tenant
	}
	parsed, err := w.parse(driver, body)
	if err != nil {
		w.badBody(driver, err).write(c)
		return
	}
	if c.Param("driver") == "" && parsed.Driver != "" {
		if ref := w.detected(c, entry, raw, parsed.Driver, keyed, started); ref != nil {
			ref.write(c)
			return
		}
	}
	w.accept(c, tenant, entry, driver, body, parsed)
}

func (w *Webhook) accept(c *gin.Context, tenant string, entry sources.Entry, driver string, body []byte, parsed alerts.Parsed) {
	p := NewPush(entry, driver, body, parsed)
	p.Tenant, p.Pipeline, p.TraceID, p.Headers = tenant, c.Query("pipeline"), trace.From(c.Request.Context()), kept(c.Request.Header)
	p.DeliveryKey = deliveryKey(c.Request.Header, parsed.DeliveryKey)
	got, err := w.Intake.Accept(c.Request.Context(), p)
	if err != nil {
		w.failed(c, err).write(c)
		return
	}
	if got.Outcome == orchestration.OutcomeRejected {
		keptUnusable(got, parsed).write(c)
		return
	}
	if sync := c.Query("sync"); (sync == "1" || sync == "true") && got.Outcome != orchestration.OutcomeIgnored {
		ctx, cancel := context.WithTimeout(c.Request.Context(), syncWait)
		defer cancel()
		if folded := w.Intake.Wait(ctx, tenant, got.ReceiptID); folded != nil {
			c.PureJSON(http.StatusOK, synced(got, folded.Counters))
			return
		}
	}
	c.PureJSON(http.StatusAccepted, queued(got))
}

// maxDeliveryKey is the longest that is stored as it came.
const maxDeliveryKey = 255

// deliveryKey is the sender's own id of this delivery: only it makes a push a duplicate.
func deliveryKey(h http.Header, fromBody string) string {
	for _, k := range []string{h.Get("Idempotency-Key"), h.Get("X-Webhook-Id"), fromBody} {
		k = clean(strings.TrimSpace(k), math.MaxInt)
		if len(k) > maxDeliveryKey { // cut off, two deliveries could look like one
			sum := sha256.Sum256([]byte(k))
			k = "sha256:" + hex.EncodeToString(sum[:])
		}
		if k != "" {
			return k
		}
	}
	return ""
}

func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

// kept are the headers worth keeping with a receipt; credentials are not among them.
func kept(h http.Header) map[string]string {
	out := map[string]string{}
	for _, k := range []string{"Content-Type", "Content-Encoding", "User-Agent", "Idempotency-Key", "X-Webhook-Id", "X-Request-Id"} {
		if v := h.Get(k); v != "" {
			out[k] = clean(v, 500)
		}
	}
	return out
}
