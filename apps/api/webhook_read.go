package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// bodyTime is how long a body may take to arrive.
const bodyTime = 15 * time.Second

// reserve counts a body's bytes against the hub's memory before it is read.
func (w *Webhook) reserve(c *gin.Context) (int64, *refusal) {
	n := c.Request.ContentLength
	if n > w.MaxBody {
		return 0, w.tooLarge()
	}
	if n < 0 {
		n = min(w.MaxBody, 256<<10) // unknown: most are far smaller, and what is more is counted when it is there
	}
	if w.bytes.Add(n) > w.InFlight {
		w.bytes.Add(-n)
		return 0, busy()
	}
	return n, nil
}

func busy() *refusal {
	return refuse(http.StatusServiceUnavailable, "The hub is taking in as much as it can; send this again in a second.").after(time.Second)
}

// sender finds who pushes by the credential in a header.
func (w *Webhook) sender(c *gin.Context) (auth.Principal, sources.Entry, *refusal) {
	ctx := auth.WithPeer(c.Request.Context(), c.ClientIP())
	key, given := ingestCredential(c.Request)
	if !given {
		return auth.Principal{}, sources.Entry{}, refuse(http.StatusUnauthorized,
			"A credential is required: send the source's key in Authorization: Bearer <key>, X-API-Key or X-Hub-Token, or as Basic password.")
	}
	p, err := w.Auth.Authenticate(ctx, key)
	switch {
	case errors.Is(err, storage.ErrUnavailable):
		return p, sources.Entry{}, w.unavailable()
	case err != nil:
		return p, sources.Entry{}, refuse(http.StatusUnauthorized, "The credential is not known here; use the key of an active source.")
	}
	if err := p.Require(auth.ScopeIngest); err != nil {
		return p, sources.Entry{}, refuse(http.StatusForbidden, "This key may not send alerts: it lacks the scope ingest.")
	}
	if !p.Allows(c.Request.URL.Path) {
		return p, sources.Entry{}, refuse(http.StatusForbidden, "This key is limited to other addresses; see its allowed_endpoints.")
	}
	entry, ref := w.entry(c, p)
	return p, entry, ref
}

// entry is the configured source: the one whose key was used, else ?source=, else the tenant's default.
func (w *Webhook) entry(c *gin.Context, p auth.Principal) (sources.Entry, *refusal) {
	if !p.SourceID.IsZero() {
		if e, ok := w.Entries.ByID(p.SourceID); ok {
			return e, nil
		}
		return sources.Entry{}, refuse(http.StatusUnauthorized, "The source of this key is not active any more.")
	}
	if name := c.Query("source"); name != "" {
		if e, ok := w.Entries.ByName(p.Tenant, name); ok {
			return e, nil
		}
		return sources.Entry{}, refuse(http.StatusNotFound, "There is no active source of this name; GET /api/v1/sources lists them.")
	}
	if e, ok := w.Entries.Default(p.Tenant); ok {
		return e, nil
	}
	return sources.Entry{}, refuse(http.StatusServiceUnavailable, "The hub has no default source yet; name one with ?source=.").after(5 * time.Second)
}

// mayBeSigned reports whether a request without a good key may still prove itself by a signature.
func (w *Webhook) mayBeSigned(c *gin.Context) bool {
	if _, given := ingestCredential(c.Request); given {
		return false
	}
	e, ok := w.unkeyed(c)
	return ok && e.Signs(c.Request.Header, c.Param("driver"))
}

func (w *Webhook) unkeyed(c *gin.Context) (sources.Entry, bool) {
	if name := c.Query("source"); name != "" {
		return w.Entries.ByName(w.Tenant, name)
	}
	return w.Entries.Default(w.Tenant)
}

// signed checks the signature that the entry demands, over the bytes as they came.
func (w *Webhook) signed(c *gin.Context, e sources.Entry, raw []byte, driver string, keyed bool, now time.Time) (sources.Entry, *refusal) {
	if !keyed {
		e, _ = w.unkeyed(c)
	}
	if !e.Signs(c.Request.Header, driver) {
		return e, nil
	}
	if err := e.Verify(c.Request.Header, raw, driver, now); err != nil {
		w.Log.WarnContext(c.Request.Context(), "signature refused", "source_entry", e.Name, "error", err)
		return e, refuse(http.StatusForbidden, "Invalid webhook signature")
	}
	if !keyed && driver != "" {
		if _, err := w.Drivers.Get(driver); err != nil {
			return e, w.unknownDriver(driver)
		}
	}
	return e, nil
}

// detected asks for what the recognised driver's senders must bring, where the address did not name it: before, only the header that
// was there could tell. A signature of another driver's does not stand in for a key.
func (w *Webhook) detected(c *gin.Context, e sources.Entry, raw []byte, driver string, keyed bool, now time.Time) *refusal {
	switch {
	case e.Signs(c.Request.Header, driver):
		if err := e.Verify(c.Request.Header, raw, driver, now); err != nil {
			w.Log.WarnContext(c.Request.Context(), "signature refused", "source_entry", e.Name, "driver", driver, "error", err)
			return refuse(http.StatusForbidden, "Invalid webhook signature")
		}
	case !keyed:
		return refuse(http.StatusUnauthorized, "A credential is required: webhooks of "+driver+" are not signed here, so send the source's key.")
	}
	return nil
}

// ingestCredential returns the key of a push: a bearer token, X-API-Key, X-Hub-Token, or the password of Basic.
func ingestCredential(r *http.Request) (key string, given bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	if key, given = credential(r); given {
		return key, true
	}
	if v := r.Header.Get("X-Hub-Token"); v != "" {
		return v, true
	}
	return "", false
}

// read takes the body in, bounded as sent and as decompressed.
func (w *Webhook) read(c *gin.Context) (raw, body []byte, ref *refusal) {
	if ref := jsonType(c.GetHeader("Content-Type")); ref != nil {
		return nil, nil, ref
	}
	// A sender that drips its body must not hold memory and a connection for ever.
	control := http.NewResponseController(c.Writer)
	_ = control.SetReadDeadline(w.Clock.Now().Add(bodyTime)) // where it is not supported there is no connection to hold
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, w.MaxBody))
	if err != nil {
		return nil, nil, w.readFailed(err)
	}
	_ = control.SetReadDeadline(time.Time{})
	switch encoding := strings.ToLower(strings.TrimSpace(c.GetHeader("Content-Encoding"))); encoding {
	case "", "identity":
		return raw, raw, nil
	case "gzip", "x-gzip":
	default:
		return nil, nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding "+clean(encoding, 40)+" is not supported; send gzip or nothing.")
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, refuse(http.StatusBadRequest, "The body is announced as gzip, but is not.")
	}
	body, err = io.ReadAll(io.LimitReader(z, w.MaxBody+1))
	if err != nil {
		return nil, nil, refuse(http.StatusBadRequest, "The gzip body is damaged.")
	}
	if int64(len(body)) > w.MaxBody {
		return nil, nil, w.tooLarge()
	}
	return raw, body, nil
}

func (w *Webhook) readFailed(err error) *refusal {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return w.tooLarge()
	}
	return refuse(http.StatusBadRequest, "The body did not arrive whole; send it again.")
}

// jsonType takes JSON, whatever its parameters, and text/plain, which some senders (AWS SNS) put on JSON.
func jsonType(header string) *refusal {
	if strings.TrimSpace(header) == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(header)
	if err != nil {
		kind, _, _ = strings.Cut(strings.ToLower(header), ";")
		kind = strings.TrimSpace(kind)
	}
	if kind == "application/json" || kind == "text/json" || kind == "text/plain" || strings.HasSuffix(kind, "+json") {
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, "Content-Type "+clean(kind, 80)+" is not supported; send JSON as application/json.")
}
