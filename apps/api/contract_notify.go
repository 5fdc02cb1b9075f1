package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Limits of messages by hand.
const (
	maxNotifyBody  = 1 << 20 // bytes
	notifyAMinute  = 30      // calls of one key
	maxNotifyTitle = 1000    // characters
)

// contractNotify are the routes by which older tools send messages. Each is recorded as any other.
func (a *API) contractNotify(e *gin.Engine, doc *huma.OpenAPI) {
	for _, r := range []plain{
		{"/notify/send", "contract-notify-ready", "Whether messages can be sent", "application/json", a.notifyReady},
		{"/notify/send/{target}", "contract-notify-ready-for", "Whether messages can be sent by a driver or a channel", "application/json", a.notifyReady},
		{"/notify/drivers", "contract-list-channel-drivers", "The drivers, with their settings", "application/json", a.notifyDrivers},
		{"/notify/drivers/{driver}", "contract-get-channel-driver", "One driver, with its settings", "application/json", a.notifyDriver},
	} {
		a.plain(e, doc, http.MethodGet, r)
	}
	for _, r := range []struct {
		path, name, summary string
		call                func(ctx context.Context, tenant string, c *gin.Context) error
	}{
		{"/notify/send", "contract-send", "Send a message: 200 when it is delivered, 502 when it is not", a.notifySend},
		{"/notify/send/{target}", "contract-send-to", "Send a message by a channel or a driver: 200 when it is delivered, 502 when it is not", a.notifySend},
		{"/notify/batch", "contract-send-batch", "Send several messages; one that fails does not stop the others", a.notifyBatch},
	} {
		o := op(http.MethodPost, r.path, r.name, r.summary)
		media := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
		o.RequestBody = &huma.RequestBody{Required: true, Content: media}
		o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: media}, "502": {Description: "Not delivered", Content: media}}
		o.Parameters = pathParameters(r.path)
		doc.AddOperation(&o)
		a.both(e, http.MethodPost, r.path, a.notifying(r.call))
	}
}

// notRead is a refusal in the shape of the contract, with fields beside status and message.
type notRead struct { //nolint:errname // as the Problem of other doors
	status int
	body   gin.H
}

// Error implements error.
func (n *notRead) Error() string { return fmt.Sprint(n.body["message"]) }

func refuseNotify(status int, format string, args ...any) error {
	return &notRead{status, gin.H{"message": fmt.Sprintf(format, args...)}}
}

// notifying makes a handler of what sends: so many calls a minute for each key, and errors in the contract's shape.
func (a *API) notifying(call func(ctx context.Context, tenant string, c *gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		p, err := who(ctx)
		if err == nil {
			if wait, ok := a.rates.take(p.Tenant+"/"+p.Name, notifyAMinute); !ok {
				c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
				err = refuseNotify(http.StatusTooManyRequests, "This key may call %d times a minute; try again after the time in Retry-After.", notifyAMinute)
			} else {
				err = call(ctx, p.Tenant, c)
			}
		}
		if err != nil {
			a.refuseNotify(c, err)
		}
	}
}

// refuseNotify answers with {"status":"error","message":"…"}; the contract knows no 422.
func (a *API) refuseNotify(c *gin.Context, err error) {
	if n := (*notRead)(nil); errors.As(err, &n) {
		n.body["status"] = "error"
		c.PureJSON(n.status, n.body)
		return
	}
	f := a.fail(c.Request.Context(), err)
	for name, values := range f.GetHeaders() {
		c.Header(name, values[0])
	}
	message := f.Detail
	for i, e := range f.Errors {
		if i == 0 {
			message = "invalid:"
		}
		message += " " + strings.TrimPrefix(strings.ReplaceAll(e.Pointer, "/", "."), ".") + ": " + e.Message + ";"
	}
	if f.Status == http.StatusUnprocessableEntity {
		f.Status = http.StatusBadRequest
	}
	c.PureJSON(f.Status, gin.H{"status": "error", "message": strings.TrimSuffix(message, ";")})
}

// notifyBody is one message.
type notifyBody struct {
	Title    string          `json:"title"`
	Message  string          `json:"message"`
	Severity string          `json:"severity"`
	Driver   string          `json:"driver"`
	Channel  string          `json:"channel"`
	Tags     map[string]any  `json:"tags"`
	Context  map[string]any  `json:"context"`
	Config   json.RawMessage `json:"config"`
}

// wantObject begins with the contract's words.
const wantObject = "Invalid JSON payload: an object is wanted, such as {\"title\": \"…\", \"message\": \"…\"}"

// readNotify reads one message.
func readNotify(raw []byte, b *notifyBody) error {
	if err := json.Unmarshal(raw, b); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			if wrong.Field == "" {
				return refuseNotify(http.StatusBadRequest, wantObject)
			}
			return refuseNotify(http.StatusBadRequest, "%s must not be a JSON %s", wrong.Field, wrong.Value)
		}
		return refuseNotify(http.StatusBadRequest, "Invalid JSON payload")
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return refuseNotify(http.StatusBadRequest, wantObject)
	}
	var missing []string
	if strings.TrimSpace(b.Title) == "" {
		missing = append(missing, "title")
	}
	if strings.TrimSpace(b.Message) == "" {
		missing = append(missing, "message")
	}
	switch {
	case len(missing) > 0:
		return refuseNotify(http.StatusBadRequest, "Missing required fields: %s", strings.Join(missing, ", "))
	case len([]rune(b.Title)) > maxNotifyTitle:
		return refuseNotify(http.StatusBadRequest, "title must have at most %d characters", maxNotifyTitle)
	default:
		return nil
	}
}

// input is the message for the hand. Tags are texts: others are written as JSON.
func (b *notifyBody) input(target string) notify.SendInput {
	in := notify.SendInput{
		Title: b.Title, Message: b.Message, Severity: b.Severity, Driver: b.Driver, Channel: b.Channel, Context: b.Context, Config: b.Config, Target: target,
	}
	if len(b.Tags) > 0 {
		in.Tags = make(map[string]string, len(b.Tags))
		for name, v := range b.Tags {
			if text, ok := v.(string); ok {
				in.Tags[name] = text
			} else if raw, err := json.Marshal(v); err == nil {
				in.Tags[name] = string(raw)
			}
		}
	}
	return in
}

// known reports whether target is a driver or an active channel; nothing is the first active channel.
func (a *API) known(ctx context.Context, tenant, target string) (bool, error) {
	if _, ok := a.channelKind(target); ok || target == "" {
		return true, nil
	}
	c, err := a.Channels.Get(ctx, tenant, target)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && c.IsActive && c.Name == target, err // an id is no name
}

// unknownTarget says which drivers there are, or that the target is a channel which is switched off.
func (a *API) unknownTarget(ctx context.Context, tenant string, status int, target string) error {
	if c, err := a.Channels.Get(ctx, tenant, target); err == nil && c.Name == target && !c.IsActive {
		words := fmt.Sprintf("The channel %.100s is inactive: activate it, or name another one", target)
		return &notRead{status, gin.H{"message": words, "available_drivers": a.driverNames()}}
	}
	return a.unknownDriver(status, target)
}

func (a *API) unknownDriver(status int, name string) error {
	return &notRead{status, gin.H{"message": fmt.Sprintf("Unknown driver: %.100s", name), "available_drivers": a.driverNames()}}
}

// sent sends one message to a target, which a stored channel or a driver has to be.
func (a *API) sent(ctx context.Context, tenant string, b *notifyBody, target string) (notify.SendResult, error) {
	ok, err := a.known(ctx, tenant, target)
	if err != nil {
		return notify.SendResult{}, err
	}
	if !ok {
		return notify.SendResult{}, a.unknownTarget(ctx, tenant, http.StatusBadRequest, target)
	}
	return a.Hand.Send(ctx, tenant, b.input(target))
}

func (a *API) notifySend(ctx context.Context, tenant string, c *gin.Context) error {
	raw, err := notifyRaw(c)
	if err != nil {
		return err
	}
	var b notifyBody
	if err := readNotify(raw, &b); err != nil {
		return err
	}
	target := c.Param("target")
	if target == "" {
		target = b.Driver
	}
	got, err := a.sent(ctx, tenant, &b, target)
	if err != nil {
		return err
	}
	meta := gin.H{}
	if got.Result.Endpoint != "" { // contract 8.2; without credentials
		meta["endpoint"], meta["method"] = got.Result.Endpoint, got.Result.Method
	}
	if got.Result.Status != 0 {
		meta["status_code"] = got.Result.Status
	}
	if got.Result.Response != "" {
		meta["response"] = got.Result.Response
	}
	switch {
	case got.Off != "": // contract 8.2: success without sending; the log says that it was held back
		meta["disabled"], meta["detail"] = true, got.Error
	case got.Result.Class != "" && !got.Success:
		meta["error_class"] = got.Result.Class
	}
	if !got.DeliveryID.IsZero() {
		meta["delivery_id"] = got.DeliveryID
	}
	if !got.Success && got.Off == "" {
		return &notRead{http.StatusBadGateway, gin.H{"message": contractFailure(&got), "driver": got.Driver, "channel": got.Channel, "metadata": meta}}
	}
	c.PureJSON(http.StatusOK, gin.H{"status": "success", "driver": got.Driver, "channel": got.Channel, "message_id": got.MessageID, "metadata": meta})
	return nil
}

// contractFailure says why a message did not arrive (contract 8.1). What a receiver answered has no secrets any more.
func contractFailure(got *notify.SendResult) string {
	service := channel.Title(got.Driver)
	if got.Driver == "email" {
		service = "SMTP server"
	}
	r := &got.Result
	switch {
	case r.Status >= 300 && r.Class == fmt.Sprintf("http_%d", r.Status):
		return fmt.Sprintf("%s API error (%d): %s", service, r.Status, cmp.Or(r.Response, got.Error))
	case slices.Contains(noConnection[:], r.Class):
		return fmt.Sprintf("Failed to connect to %s: %s", service, got.Error)
	default:
		return got.Error
	}
}

// noConnection are the classes of errors of calls that had no answer.
var noConnection = [...]string{
	fault.ClassTimeout, fault.ClassDNS, fault.ClassRefused, fault.ClassReset, fault.ClassUnreachable, fault.ClassTLS, fault.ClassBlocked,
}

// notifyRaw reads the body of a call.
func notifyRaw(c *gin.Context) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxNotifyBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, refuseNotify(http.StatusRequestEntityTooLarge, "The body has more than %d bytes.", maxNotifyBody)
	}
	if err != nil {
		return nil, refuseNotify(http.StatusBadRequest, "The body ended early.")
	}
	return raw, nil
}

func (a *API) notifyReady(c *gin.Context) {
	target := c.Param("target")
	p, err := who(c.Request.Context())
	ok := err == nil
	if ok {
		ok, err = a.known(c.Request.Context(), p.Tenant, target)
	}
	switch {
	case err != nil:
		a.refuseNotify(c, err)
	case !ok:
		a.refuseNotify(c, a.unknownTarget(c.Request.Context(), p.Tenant, http.StatusNotFound, target))
	case target == "":
		c.PureJSON(http.StatusOK, gin.H{"status": "ok", "message": "Ready to send: POST a message here", "driver": "auto"})
	default:
		c.PureJSON(http.StatusOK, gin.H{"status": "ok", "message": "Ready to send by " + target + ": POST a message here", "driver": target})
	}
}

// contractDriver is a driver as the contract describes it.
type contractDriver struct {
	Name           string   `json:"name"`
	Description    string   `json:"description"`
	RequiredConfig []string `json:"required_config"`
	OptionalConfig []string `json:"optional_config"`
}

func (a *API) contractDriver(name string) (contractDriver, bool) {
	spec, ok := a.channelKind(name)
	return contractDriver{spec.Name, spec.Description, keysOf(spec.Required), keysOf(spec.Optional)}, ok
}

func (a *API) notifyDrivers(c *gin.Context) {
	list := []contractDriver{}
	for _, spec := range a.ChannelKinds {
		d, _ := a.contractDriver(spec.Name)
		list = append(list, d)
	}
	c.PureJSON(http.StatusOK, gin.H{"status": "ok", "drivers": list})
}

func (a *API) notifyDriver(c *gin.Context) {
	d, ok := a.contractDriver(c.Param("driver"))
	if !ok {
		a.refuseNotify(c, a.unknownDriver(http.StatusNotFound, c.Param("driver")))
		return
	}
	c.PureJSON(http.StatusOK, gin.H{"status": "ok", "driver": d})
}

// batchWait is how long a call with several messages may take.
const batchWait = 60 * time.Second
