// Package fault says what an error means to the code that has to go on: is a second try worth it, after what wait, and
// which short word goes into rows, metrics and logs.
//
// Code that finds an error marks it where it knows best; code that retries asks once:
//
//	return fault.Permanent(fmt.Errorf("slack: %w", ErrChannelGone)) // no second try can mend it
//	return fault.RetryAfter(err, 30*time.Second)                    // the vendor said when
//	…
//	after, ok := fault.Retry(err)
//
// Marks are ordinary wrappers: the text stays the same and errors.Is and errors.As look through them. Where several are
// nested the outermost wins, since whoever wrapped last knew more. Class and Public are safe to store and show: they
// carry no URL paths, queries or credentials.
package fault

import (
	"context"
	"errors"
	"time"
)

// Permanent marks err as not worth another try. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err: err, permanent: true}
}

// RetryAfter marks err as worth another try, but not before d has passed. A negative d counts as 0 (the caller's own
// back-off). RetryAfter(nil, d) is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryError{err: err, after: max(d, 0)}
}

// Retry reports whether err is worth another try and the least wait before it (0: the caller's back-off).
// An unmarked error is worth one: most come from networks and databases. An unmarked context.Canceled is not, since
// whoever cancelled no longer wants the result; nor is nil.
func Retry(err error) (after time.Duration, ok bool) {
	if err == nil {
		return 0, false
	}
	if mark, ok := errors.AsType[*retryError](err); ok {
		return mark.after, !mark.permanent
	}
	return 0, !errors.Is(err, context.Canceled)
}

// IsPermanent reports whether err is an error that was marked Permanent.
func IsPermanent(err error) bool {
	mark, ok := errors.AsType[*retryError](err)
	return ok && mark.permanent
}

type retryError struct {
	err       error
	after     time.Duration
	permanent bool
}

func (m *retryError) Error() string { return m.err.Error() }
func (m *retryError) Unwrap() error { return m.err }
