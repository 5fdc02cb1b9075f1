// Package endpoint holds the checks of what the hub talks to: web pages, TCP services, certificates, name servers. A check looks at all of
// its targets at once; the worst of them decides.
package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// maxTargets is how many targets one check may have: they are all looked at at once.
const maxTargets = 50

// Targets are more targets of one check: texts, or objects with settings over those of the check.
type Targets []json.RawMessage

// each makes the settings of every target: those of the check itself, if it names one, and for each of its targets what that says over
// them. main is the setting that a target that is a text stands for.
func each[T any](base T, itself bool, main string, targets Targets) ([]T, error) {
	var all []T
	if itself {
		all = append(all, base)
	}
	if len(targets) > maxTargets {
		return nil, fmt.Errorf("targets: at most %d", maxTargets)
	}
	for i, raw := range targets {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			raw, _ = json.Marshal(map[string]string{main: text}) //nolint:errchkjson // texts
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(raw, &keys); err != nil {
			return nil, fmt.Errorf("targets[%d]: want a text or an object", i)
		}
		for _, key := range []string{"targets", "timeout", "enabled", "warning_threshold", "critical_threshold"} {
			if _, given := keys[key]; given {
				return nil, fmt.Errorf("targets[%d]: %s is of the whole check", i, key)
			}
		}
		t := base
		if err := checkers.Decode(raw, &t); err != nil {
			return nil, fmt.Errorf("targets[%d]: %w", i, err)
		}
		all = append(all, t)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s or targets: want something to look at", main)
	}
	return all, nil
}

// outcome is what came of one target.
type outcome struct {
	target  string // as it is named to people: no secrets
	status  checkers.Status
	message string        // without the target
	latency time.Duration // 0: there was no answer
	metrics map[string]any
}

// milliseconds of a time, for metrics.
func milliseconds(d time.Duration) float64 { return checkers.Round(d.Seconds()*1000, 1) }

// lookAt looks at all targets at once, each within the check's time, and puts together what came of them.
func lookAt[T any](ctx context.Context, in checkers.Input, targets []T, look func(context.Context, T) outcome) checkers.Finding {
	timeout := in.Timeout
	if timeout <= 0 {
		timeout = checkers.DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, timeoutError{timeout})
	defer cancel()
	all := make([]outcome, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					all[i] = outcome{target: fmt.Sprintf("target %d", i+1), status: checkers.Unknown, message: fmt.Sprintf("the check broke: %v", p)}
				}
			}()
			all[i] = look(ctx, t)
		})
	}
	wg.Wait()
	return finding(all)
}

// timeoutError is why a target's context ended.
type timeoutError struct{ within time.Duration }

func (n timeoutError) Error() string { return fmt.Sprintf("no answer within %s", n.within) }

// finding puts outcomes together: metrics of each target under its name, and in the message the worst first.
func finding(all []outcome) checkers.Finding {
	f := checkers.Finding{Status: checkers.OK}
	targets, slowest, ok := map[string]any{}, outcome{}, 0
	for i := range all {
		o := &all[i]
		f.Status = checkers.Worse(f.Status, o.status)
		if o.status == checkers.OK {
			ok++
		}
		if o.latency > slowest.latency {
			slowest = *o
		}
		m := map[string]any{"status": o.status, "message": o.message}
		maps.Copy(m, o.metrics)
		if o.latency > 0 {
			m["latency_ms"] = milliseconds(o.latency)
		}
		targets[unused(targets, o.target)] = m
	}
	f.Metrics = map[string]any{"targets": targets, "targets_ok": ok, "targets_total": len(all)}
	if slowest.latency > 0 {
		f.Metrics["latency_ms"] = milliseconds(slowest.latency)
	}
	if len(all) == 1 {
		for k, v := range all[0].metrics { // those of the only target stand for the check
			switch v.(type) {
			case bool, int, float64, string:
				f.Metrics[k] = v
			}
		}
		f.Message = all[0].target + ": " + all[0].message
		return f
	}
	if ok == len(all) {
		f.Message = fmt.Sprintf("all %d targets are well, the slowest is %s with %.0f ms", ok, slowest.target, slowest.latency.Seconds()*1000)
		return f
	}
	f.Message = fmt.Sprintf("%d of %d targets not well: %s", len(all)-ok, len(all), worst(all, 5))
	return f
}

// worst names the outcomes that are not well, the worst first, at most n of them.
func worst(all []outcome, n int) string {
	bad := slices.DeleteFunc(slices.Clone(all), func(o outcome) bool { return o.status == checkers.OK })
	slices.SortStableFunc(bad, func(a, b outcome) int { return b.status.Rank() - a.status.Rank() })
	var words []string
	for _, o := range bad[:min(n, len(bad))] {
		words = append(words, o.target+": "+o.message)
	}
	if len(bad) > n {
		words = append(words, fmt.Sprintf("and %d more", len(bad)-n))
	}
	return strings.Join(words, "; ")
}

// unused is name, or name with a number after it when it is taken.
func unused(taken map[string]any, name string) string {
	for i, out := 2, name; ; i++ {
		if _, found := taken[out]; !found {
			return out
		}
		out = fmt.Sprintf("%s #%d", name, i)
	}
}

// slow judges a latency by the check's thresholds, in milliseconds, and adds to the message when it is too long.
func slow(in checkers.Input, latency time.Duration, message *string) checkers.Status {
	status, limit := in.Judge(latency.Seconds()*1000), in.Warning
	if status == checkers.Critical {
		limit = in.Critical
	}
	if status != checkers.OK {
		*message += fmt.Sprintf(", the threshold is %g ms", limit)
	}
	return status
}
