package llm

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/providers"
)

// Waits before the one more try, and what must be left for it.
const (
	leastWait = 500 * time.Millisecond
	mostWait  = 1500 * time.Millisecond
	leastTry  = 250 * time.Millisecond
)

// Retry makes a call, and at most one more when its class is worth it and the wait fits before the deadline of ctx: after the time that
// the API asked for, or else 0.5 to 1.5 seconds. Errors are *providers.Error; Wait says how long to keep away.
func Retry(ctx context.Context, d Deps, call Call) (*providers.Answer, error) {
	answer, err := call(ctx)
	if err == nil {
		return answer, nil
	}
	e := asError(ctx, err)
	wait, worth := again(ctx, d, e)
	if !worth {
		return answer, e
	}
	if err := d.sleep(ctx, wait); err != nil {
		return answer, e
	}
	answer, err = call(ctx)
	if err == nil {
		return answer, nil
	}
	return answer, asError(ctx, err)
}

func again(ctx context.Context, d Deps, e *providers.Error) (wait time.Duration, worth bool) {
	if d.NoRetry || ctx.Err() != nil || fault.IsPermanent(e.Err) {
		return 0, false
	}
	switch e.Class {
	case providers.ErrRateLimit, providers.ErrOverloaded, providers.ErrServer, providers.ErrNetwork:
	default:
		return 0, false
	}
	wait = leastWait + rand.N(mostWait-leastWait) //nolint:gosec // G404: only spreads callers
	if e.Wait > 0 {
		wait = e.Wait
	}
	left, limited := clock.Left(ctx)
	return wait, !limited || wait+leastTry <= left
}

func asError(ctx context.Context, err error) *providers.Error {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return &providers.Error{Class: providers.ErrTimeout, Err: err}
	}
	return &providers.Error{Class: providers.ErrInternal, Err: err}
}
