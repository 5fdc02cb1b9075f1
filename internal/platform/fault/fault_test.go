package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

var errBase = errors.New("base")

func TestRetry(t *testing.T) {
	t.Parallel()
	type want struct {
		after time.Duration
		ok    bool
	}
	for name, tt := range map[string]struct {
		err  error
		want want
	}{
		"nil":                            {nil, want{0, false}},
		"unmarked":                       {errBase, want{0, true}},
		"canceled":                       {fmt.Errorf("send: %w", context.Canceled), want{0, false}},
		"deadline":                       {context.DeadlineExceeded, want{0, true}},
		"permanent":                      {fault.Permanent(errBase), want{0, false}},
		"permanent, wrapped":             {fmt.Errorf("a: %w", fault.Permanent(errBase)), want{0, false}},
		"after":                          {fault.RetryAfter(errBase, time.Minute), want{time.Minute, true}},
		"negative after":                 {fault.RetryAfter(errBase, -time.Minute), want{0, true}},
		"canceled but marked":            {fault.RetryAfter(context.Canceled, time.Second), want{time.Second, true}},
		"outermost wins: permanent":      {fault.Permanent(fault.RetryAfter(errBase, time.Minute)), want{0, false}},
		"outermost wins: after":          {fault.RetryAfter(fault.Permanent(errBase), time.Minute), want{time.Minute, true}},
		"classed stays what it was":      {fault.WithClass(fault.Permanent(errBase), "x"), want{0, false}},
		"joined: first mark in the tree": {errors.Join(errBase, fault.Permanent(errBase)), want{0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, ok := fault.Retry(tt.err)
			if got := (want{after, ok}); got != tt.want {
				t.Errorf("Retry(%v) = %+v, want %+v", tt.err, got, tt.want)
			}
		})
	}
}

func TestMarksAreTransparent(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"permanent": fault.Permanent(errBase),
		"after":     fault.RetryAfter(errBase, time.Second),
		"class":     fault.WithClass(errBase, "x"),
	} {
		if err.Error() != "base" || !errors.Is(err, errBase) {
			t.Errorf("%s: text %q, errors.Is %t; want %q and true", name, err, errors.Is(err, errBase), "base")
		}
	}
	for name, err := range map[string]error{
		"permanent": fault.Permanent(nil),
		"after":     fault.RetryAfter(nil, time.Second),
		"class":     fault.WithClass(nil, "x"),
	} {
		if err != nil {
			t.Errorf("%s of nil = %v, want nil", name, err)
		}
	}
}

func TestIsPermanent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":       {nil, false},
		"unmarked":  {errBase, false},
		"canceled":  {context.Canceled, false},
		"permanent": {fmt.Errorf("a: %w", fault.Permanent(errBase)), true},
		"after":     {fault.RetryAfter(errBase, 0), false},
	} {
		if got := fault.IsPermanent(tt.err); got != tt.want {
			t.Errorf("%s: IsPermanent = %t, want %t", name, got, tt.want)
		}
	}
}
