package orchestration

import (
	"context"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// AcceptInOrder stores pushes one after the other, as Accept does, and folds them in this order: the numbers of their observations
// follow it. It waits for the commit of all, which are few. An error is that of the push with the same index; what needs a newer
// configuration is refused. It is for rehearsals, where nobody else pushes.
func (i *Intake) AcceptInOrder(ctx context.Context, pushes []*Push) ([]Accepted, []error) {
	accepted, errs := make([]Accepted, len(pushes)), make([]error, len(pushes))
	items, done := make([]*acceptance, len(pushes)), make([]chan error, len(pushes))
	for n, p := range pushes {
		if p.TraceID == "" {
			p.TraceID = trace.New()
		}
		if items[n], errs[n] = i.prepare(ctx, p); errs[n] == nil {
			done[n] = i.submit(items[n])
		}
	}
	for n, a := range items {
		if errs[n] != nil {
			continue
		}
		if err := <-done[n]; err != nil {
			errs[n] = fmt.Errorf("store the alerts: %w", err)
			continue
		}
		accepted[n] = i.committed(a)
	}
	return accepted, errs
}

// Settle returns when everything that this process accepted and had room for is folded.
func (e *Engine) Settle() { e.folder.wg.Wait() }
