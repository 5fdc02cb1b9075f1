package checkers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// DefaultTimeout is what a check has whose Spec says nothing else.
const DefaultTimeout = 10 * time.Second

// grace is how much longer than its timeout a check may take to say what it has found by then.
const grace = 250 * time.Millisecond

// Result is what came of one check.
type Result struct {
	// ID is of the row that is kept, zero where none is. Requests that share a result have the same one.
	ID          id.ID          `json:"check_run_id,omitzero"`
	CheckerName string         `json:"checker_name"`
	Status      Status         `json:"status"`
	Message     string         `json:"message"`
	Metrics     map[string]any `json:"metrics"`
	Error       string         `json:"error,omitempty"`
	DurationMS  int64          `json:"duration_ms"`
	// Warning and Critical are the thresholds that were in force; nil: it has none.
	Warning  *float64 `json:"warning_threshold,omitempty"`
	Critical *float64 `json:"critical_threshold,omitempty"`
	// AlertID is the alert that came of it, zero when none did.
	AlertID id.ID `json:"alert_id,omitzero"`
	// Skipped: it was not run, for it is switched off or for another platform. It makes no alert.
	Skipped bool `json:"skipped,omitempty"`
}

// commonNames are settings that every check has.
var commonNames = []string{"enabled", "timeout", "warning_threshold", "critical_threshold"}

// common are they, as given.
type common struct {
	Enabled  *bool    `json:"enabled"`
	Timeout  *Seconds `json:"timeout"`
	Warning  *Number  `json:"warning_threshold"`
	Critical *Number  `json:"critical_threshold"`
}

// split takes the common settings out of raw.
func split(raw json.RawMessage) (c common, own json.RawMessage, err error) {
	if len(raw) == 0 {
		return c, nil, nil
	}
	var all, ours map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return c, nil, errors.New("settings must be a JSON object")
	}
	ours = map[string]json.RawMessage{}
	for _, name := range commonNames {
		if v, given := all[name]; given {
			ours[name] = v
			delete(all, name)
		}
	}
	if err := errors.Join(decodeCommon(ours, &c)...); err != nil {
		return c, nil, err
	}
	own, err = json.Marshal(all)
	return c, own, err
}

func decodeCommon(given map[string]json.RawMessage, c *common) []error {
	raw, err := json.Marshal(given)
	if err == nil {
		err = Decode(raw, c)
	}
	errs := []error{err}
	if c.Timeout != nil && (*c.Timeout <= 0 || *c.Timeout > 600) {
		errs = append(errs, errors.New("timeout: want more than 0 and at most 600 seconds"))
	}
	return errs
}

// Once runs one check, with its deadline. Settings that every check has are taken from in.Config first: timeout, warning_threshold,
// critical_threshold, enabled. Errors, panics and a deadline that has passed are the status unknown.
func Once(ctx context.Context, c Checker, in Input) Result {
	spec := c.Spec()
	watch := clock.Start()
	r := once(ctx, c, spec, in)
	r.DurationMS = watch.Elapsed().Milliseconds()
	return r
}

// failed is the result of a check that could not find out.
func failed(spec Spec, err error) Result {
	r := Result{CheckerName: spec.Name, Status: Unknown, Metrics: map[string]any{}, Error: cutText(err.Error(), maxMessage)}
	r.Message = cutText("Check failed: "+r.Error, maxMessage)
	return r
}

func once(ctx context.Context, c Checker, spec Spec, in Input) Result {
	r := Result{CheckerName: spec.Name, Metrics: map[string]any{}}
	com, own, err := split(in.Config)
	if err != nil {
		return failed(spec, err)
	}
	r.Warning, r.Critical = threshold(spec.Warning, com.Warning), threshold(spec.Critical, com.Critical)
	switch {
	case com.Enabled != nil && !*com.Enabled:
		r.Status, r.Message, r.Skipped = OK, "skipped: the check is switched off", true
		return r
	case len(spec.Platform) > 0 && !slices.Contains(spec.Platform, platformOf(in)):
		r.Status, r.Skipped = OK, true
		r.Message = fmt.Sprintf("skipped: only for %s, this is %s", strings.Join(spec.Platform, " and "), platformOf(in))
		return r
	}
	in.Config, in.Warning, in.Critical = own, orNaN(r.Warning), orNaN(r.Critical)
	in.Timeout = timeoutOf(spec, com)
	f, err := look(ctx, c, in)
	if err != nil {
		bad := failed(spec, err)
		bad.Warning, bad.Critical = r.Warning, r.Critical
		return bad
	}
	r.Status, r.Message = f.Status, cutText(f.Message, maxMessage)
	if f.Metrics != nil {
		r.Metrics = f.Metrics
	}
	if r.Status != OK && r.Status != Warning && r.Status != Critical {
		r.Status, r.Error = Unknown, r.Message
	}
	return r
}

func timeoutOf(spec Spec, c common) time.Duration {
	switch {
	case c.Timeout != nil:
		return c.Timeout.Duration()
	case spec.Timeout > 0:
		return spec.Timeout
	default:
		return DefaultTimeout
	}
}

// look runs the check beside the caller, so that one that does not heed its deadline holds nobody up.
func look(ctx context.Context, c Checker, in Input) (Finding, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, in.Timeout+grace, fmt.Errorf("no answer within %s", in.Timeout))
	defer cancel()
	type found struct {
		Finding
		err error
	}
	done := make(chan found, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- found{err: fmt.Errorf("the check broke: %v", p)}
			}
		}()
		f, err := c.Check(ctx, in)
		done <- found{f, err}
	}()
	select {
	case f := <-done:
		if f.err != nil && ctx.Err() != nil && errors.Is(f.err, ctx.Err()) {
			return Finding{}, context.Cause(ctx)
		}
		return f.Finding, f.err
	case <-ctx.Done():
		return Finding{}, context.Cause(ctx)
	}
}

func threshold(spec *float64, given *Number) *float64 {
	if given != nil {
		v := float64(*given)
		return &v
	}
	return spec
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// platformOf is the recorded host's system, or this one's.
func platformOf(in Input) string {
	if in.Sample != nil && in.Sample.OS != "" {
		return in.Sample.OS
	}
	return runtime.GOOS
}

// maxMessage bounds messages and errors, in bytes.
const maxMessage = 2000

// cutText brings a text to one line of at most n bytes without control characters.
func cutText(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n-3], "") + "…"
	}
	return s
}
