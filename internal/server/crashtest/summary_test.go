//go:build unix

package crashtest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// summary collects what the tests measured, for the table at the end.
var summary table

type table struct {
	mu   sync.Mutex
	rows []string
}

// add notes what a test found; faults is how often it did what it is for.
func (s *table) add(name string, faults int, o outcome, times string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t", name, faults, o.accepted, o.counts["delivered"],
		o.counts["suppressed"], o.counts["dead"], o.lost, o.onWay, o.repeats, times))
}

// note is a line for tests that count something else.
func (s *table) note(name, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, fmt.Sprintf("%s\t\t\t\t\t\t\t\t\t%s\t", name, what))
}

func (s *table) print(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rows) == 0 {
		return
	}
	slices.Sort(s.rows)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "test\tfaults\taccepted\tdelivered\tsuppressed\tdead\tlost\ton way\trepeats\ttimes\t")
	_, _ = fmt.Fprintln(t, strings.Join(s.rows, "\n"))
	_ = t.Flush()
}

// readyTimes says how fast the starts of a hub were.
func readyTimes(h *hub) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ready) == 0 {
		return ""
	}
	sorted := slices.Clone(h.ready)
	slices.Sort(sorted)
	return fmt.Sprintf("ready in %s (median), %s (worst)", sorted[len(sorted)/2].Round(time.Millisecond), sorted[len(sorted)-1].Round(time.Millisecond))
}
