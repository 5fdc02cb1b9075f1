package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// unusableDetail goes with a list of errors.
const unusableDetail = "The request cannot be used as it is; correct what is listed in errors."

// internalDetail is all that a caller learns about a fault of the hub's own.
const internalDetail = "Something went wrong inside the hub. Its log has the cause under this trace_id."

// retrySoon is the wait proposed while the database cannot be reached.
const retrySoon = 2 * time.Second

// statusClientGone is written, to nobody, when the caller hung up first; the log shows it.
const statusClientGone = 499

// refusal maps errors that a caller can do something about; their texts are shown as they stand.
var refusals = []struct {
	is     error
	status int
}{
	{storage.ErrNotFound, http.StatusNotFound},
	{storage.ErrCursor, http.StatusUnprocessableEntity},
	{auth.ErrUnauthorized, http.StatusUnauthorized},
	{auth.ErrForbidden, http.StatusForbidden},
	{auth.ErrExists, http.StatusConflict},
	{sources.ErrConflict, http.StatusConflict},
	{sources.ErrExists, http.StatusConflict},
	{sources.ErrDefault, http.StatusConflict},
	{orchestration.ErrDefinitionConflict, http.StatusConflict},
	{orchestration.ErrDefinitionExists, http.StatusConflict},
	{orchestration.ErrChannelNamed, http.StatusConflict},
	{analysts.ErrConflict, http.StatusConflict},
	{analysts.ErrExists, http.StatusConflict},
	{notify.ErrConflict, http.StatusConflict},
	{notify.ErrExists, http.StatusConflict},
	{notify.ErrBuiltIn, http.StatusConflict},
	{notify.ErrInUse, http.StatusConflict},
	{notify.ErrTooMany, http.StatusUnprocessableEntity},
	{silences.ErrConflict, http.StatusConflict},
	{silences.ErrExists, http.StatusConflict},
	{silences.ErrTooMany, http.StatusConflict},
	{event.ErrRefused, http.StatusConflict},
	{rehearsal.ErrBusy, http.StatusConflict},
	{rehearsal.ErrBadInput, http.StatusUnprocessableEntity},
}

// fail is the one place where errors of services become answers. What is not known here is logged and answered with 500.
func (a *API) fail(ctx context.Context, err error) *Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return newProblem(statusClientGone, "The caller hung up.")
	}
	if errors.Is(err, storage.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		a.log.WarnContext(ctx, "request not served", "error", err)
		p := newProblem(http.StatusServiceUnavailable, "The database does not answer in time; try again.")
		p.retryAfter = retrySoon
		return p
	}
	if p := badExecutionOf(err); p != nil {
		return p
	}
	if p := invalid(err); p != nil {
		return p
	}
	if c := (*event.OpenBesideError)(nil); errors.As(err, &c) {
		p := newProblem(http.StatusConflict, err.Error())
		p.OpenIncident = c.Open.String()
		return p
	}
	if c := (*orchestration.DefinitionChangedError)(nil); errors.As(err, &c) {
		p := newProblem(http.StatusConflict, err.Error())
		p.CurrentVersion = c.Newest
		return p
	}
	for _, r := range refusals {
		if errors.Is(err, r.is) {
			return newProblem(r.status, strings.TrimSuffix(err.Error(), ": "+event.ErrRefused.Error()))
		}
	}
	a.log.ErrorContext(ctx, "request failed", "error", err)
	return newProblem(http.StatusInternalServerError, internalDetail)
}

// invalid lists the problems of an input that a service refused, nil for other errors.
func invalid(err error) *Problem {
	if e := (*sources.Invalid)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: "/" + f.Field})
		}
		return p
	}
	if e := (*auth.Invalid)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: "/" + f.Field})
		}
		return p
	}
	if e := (*notify.Invalid)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: pointerOf(f.Field)})
		}
		return p
	}
	if e := (*analysts.Invalid)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: pointerOf(f.Field)})
		}
		return p
	}
	if e := (*silences.Invalid)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: pointerOf(f.Field)})
		}
		return p
	}
	if e := (*changes.Invalid)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: "/" + f.Field})
		}
		return p
	}
	if e := (*orchestration.InvalidDefinition)(nil); errors.As(err, &e) {
		p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
		for _, f := range e.Problems {
			p.Errors = append(p.Errors, Detail{Message: f.Message, Pointer: f.Pointer, Suggestion: f.Suggestion, Severity: string(f.Severity)})
		}
		return p
	}
	return nil
}
