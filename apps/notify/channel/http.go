package channel

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// Limits of a call, in the words of the setting "timeout". A call must end before the lease of its job does.
const (
	MaxTimeout = 20 * time.Second
	// maxSeconds is the largest value that the setting takes; more than MaxTimeout counts as that.
	maxSeconds = 120
)

// Timeout reads the setting "timeout", in seconds; 0 is MaxTimeout.
func Timeout(seconds float64) (time.Duration, error) {
	switch {
	case seconds == 0:
		return MaxTimeout, nil
	case !(seconds >= 1 && seconds <= maxSeconds):
		return 0, Bad("timeout", "must be from 1 to %d seconds", maxSeconds)
	default:
		return min(time.Duration(seconds*float64(time.Second)), MaxTimeout), nil
	}
}

// TimeoutField documents the setting "timeout".
func TimeoutField() Field {
	return Field{
		Key: "timeout", Type: FieldNumber, Default: "20",
		Doc: "Seconds a call may take, from 1 to 120; more than 20 counts as 20, since a call must end before its job's lease.",
	}
}

// Wire is what drivers that speak HTTP call out with. It is embedded in them.
type Wire struct {
	Client *httpclient.Client
	Clock  clock.Clock
}

// NewWire returns a Wire. clk serves Retry-After dates and whatever else tells the time; nil means the system's.
func NewWire(client *httpclient.Client, clk clock.Clock) Wire {
	if clk == nil {
		clk = clock.System()
	}
	return Wire{client, clk}
}

// HTTP makes the calls of one channel. None shows its secrets.
func (w Wire) HTTP(timeout time.Duration, secrets ...string) HTTP {
	return HTTP{Client: w.Client, Clock: w.Clock, Redact: NewRedactor(secrets...), Timeout: timeout}
}

// HTTP makes calls for drivers that speak HTTP. Wire.HTTP makes it.
type HTTP struct {
	Client  *httpclient.Client
	Clock   clock.Clock
	Redact  Redactor
	Timeout time.Duration // 0: MaxTimeout
}

// Do makes one call and says what the answer means, by the one verdict table (RELIABILITY section 2). resp is nil when there was no
// answer. A driver whose receiver says more in the body looks at resp and changes the result.
func (h HTTP) Do(ctx context.Context, req *http.Request) (*httpclient.Response, Result) {
	timeout := h.Timeout
	if timeout <= 0 {
		timeout = MaxTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := h.Client.Do(ctx, req)
	if err != nil {
		r := h.Failed(err)
		r.Method, r.Endpoint = req.Method, h.Redact.Text(req.URL.String())
		return nil, r
	}
	v := resp.Verdict()
	r := Result{
		Verdict: VerdictOf(v), RetryAfter: v.After, Status: resp.Status, Response: h.Redact.Answer(resp.Body),
		Method: req.Method, Endpoint: h.Redact.Text(req.URL.String()),
	}
	if err := resp.Err(); err != nil {
		r.Error, r.Class = h.Redact.Text(fault.Public(err)), fault.Class(err)
	}
	return &resp, r
}

// ClassBadAnswer is the Result.Class of a success by its status that is none of the receiver's API: something else may have taken the
// message.
const ClassBadAnswer = "bad_answer"

// Doubt makes a retry of a success, since the answer is not what the receiver's API says when it has taken a message. why says so; it is
// not said of an answer that broke off.
func (r *Result) Doubt(resp *httpclient.Response, why string) {
	r.Verdict, r.Class, r.Error = Retry, ClassBadAnswer, why
	if resp.BodyErr != nil {
		r.Class, r.Error = fault.Class(resp.BodyErr), "the answer broke off"
	}
}

// PostJSON posts a JSON body.
func (h HTTP) PostJSON(ctx context.Context, address string, header http.Header, body []byte) (*httpclient.Response, Result) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, h.Failed(fault.Permanent(err))
	}
	req.Header.Set("Content-Type", "application/json")
	maps.Copy(req.Header, header)
	return h.Do(ctx, req)
}

// words for what Go's network packages say, for people who look at a delivery.
var words = strings.NewReplacer(
	"context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "no answer in time",
	"context deadline exceeded", "no answer in time", "context canceled", "the hub gave up", "i/o timeout", "no answer in time",
)

// Failed is the result of a call without an answer.
func (h HTTP) Failed(err error) Result {
	v := httpclient.Judge(0, nil, err, h.Clock.Now())
	return Result{Verdict: VerdictOf(v), RetryAfter: v.After, Error: h.Redact.Text(words.Replace(fault.Public(err))), Class: fault.Class(err)}
}

// VerdictOf puts a verdict of the HTTP client into the words of deliveries.
func VerdictOf(v httpclient.Verdict) Verdict {
	switch v.Outcome {
	case httpclient.Done:
		return Done
	case httpclient.Permanent:
		return Permanent
	default:
		return Retry
	}
}
