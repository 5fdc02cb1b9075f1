package httpclient

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// MaxRetryAfter bounds what a Retry-After header can ask for.
const MaxRetryAfter = time.Hour

// Outcome is what a call came to. The zero value is Retry: not knowing means trying again.
type Outcome uint8

// The outcomes.
const (
	Retry     Outcome = iota // worth another try
	Done                     // the receiver took it
	Permanent                // no second try can mend it
)

// String returns "retry", "done" or "permanent".
func (o Outcome) String() string {
	switch o {
	case Done:
		return "done"
	case Permanent:
		return "permanent"
	default:
		return "retry"
	}
}

// Verdict says what to do after a call. After, with Retry only, is the least wait that the receiver asked for (0: none).
type Verdict struct {
	Outcome Outcome
	After   time.Duration
}

// Judge is the verdict table. With an err (no answer) blocked addresses and whatever is marked fault.Permanent are
// permanent, the rest of the network's troubles retry; that includes a cancelled call, whose outcome nobody knows. Else
// the status decides: a 2xx is done even if its body broke off. now serves Retry-After dates when the answer has no Date.
func Judge(status int, header http.Header, err error, now time.Time) Verdict {
	switch {
	case err != nil:
		if errors.Is(err, ErrBlocked) || errors.Is(err, ErrBadURL) || fault.IsPermanent(err) {
			return Verdict{Outcome: Permanent}
		}
		after, _ := fault.Retry(err)
		return Verdict{Outcome: Retry, After: after}
	case status >= 200 && status <= 299:
		return Verdict{Outcome: Done}
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests,
		status >= 500 && status <= 599 && status != http.StatusNotImplemented:
		return Verdict{Outcome: Retry, After: retryAfter(header, now)}
	default:
		return Verdict{Outcome: Permanent}
	}
}

// Verdict judges the answer.
func (r Response) Verdict() Verdict { return Judge(r.Status, r.Header, nil, r.received) }

// Err returns nil for a 2xx, else a *StatusError marked for fault.Retry as the verdict says.
func (r Response) Err() error {
	err := &StatusError{Status: r.Status}
	switch v := r.Verdict(); v.Outcome {
	case Done:
		return nil
	case Permanent:
		return fault.Permanent(err)
	default:
		return fault.RetryAfter(err, v.After)
	}
}

// StatusError is an answer that is no success. Its text has no word of the receiver's: bodies are not for every reader.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	text := strings.TrimSpace(strconv.Itoa(e.Status) + " " + http.StatusText(e.Status))
	if e.Status >= 300 && e.Status <= 399 && e.Status != http.StatusNotModified {
		return fmt.Sprintf("receiver answered %s: redirects are not followed, use the address it leads to", text)
	}
	return "receiver answered " + text
}

// FaultClass implements fault.Classed: "http_503".
func (e *StatusError) FaultClass() string { return fault.HTTPClass(e.Status) }

// retryAfter reads Retry-After (RFC 9110 10.2.3): seconds, or a date, which is taken against the answer's own Date so that
// the sender's clock may be wrong. What cannot be read or lies in the past is 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return MaxRetryAfter // too many digits
		}
		return min(time.Duration(seconds)*time.Second, MaxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}
