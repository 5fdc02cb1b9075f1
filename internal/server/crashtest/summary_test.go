//go:build unix

package crashtest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// The table at the end has a line for whatever was done, and one for each row of the chaos suite that nobody tested. A test writes
//
//	c := row(t, "C3", "Postgres", "FLUSHALL every 3 s") // first of all: a test that breaks off is in the table as well
//	…
//	c.faults(1)                                     // once for each fault, or for all together
//	c.count(f.check(t, loads[:]...))                // what an audit found
//	c.within("p99 delivery", p99, 30*time.Second)   // a bar: fails the long form, is shown in both; 0 is no bar
//	c.say("workers sent 62 %")                      // any other figure
//
// Tests of the same row, engine and fault have one line together: counts are added up, of each time the worst is shown, of each figure
// the last. The verdict is the test's own: ok, FAILED, skipped.
var summary table

// chaosRows are the rows of the suite; others (the fleet's) come after them.
var chaosRows = []struct{ id, fault string }{
	{"C1", "kill -9 under load, aimed and not"},
	{"C2", "kill -9 at failpoints"},
	{"C3", "FLUSHALL every 3 s"},
	{"C4", "Redis killed, restarted empty"},
	{"C5", "Redis away"},
	{"C6", "Redis half open, reset, slow"},
	{"C7", "Postgres stopped at once, backends killed"},
	{"C8", "Postgres restarted while nodes commit"},
	{"C9", "max_connections used up"},
	{"C10", "32 workers on overlapping incidents"},
	{"C11", "disk full"},
	{"C12", "fsyncs counted"},
	{"C13", "hot copy while writing"},
	{"C14", "worker stopped for longer than its lease"},
	{"C15", "SIGTERM under load"},
	{"C16", "50 keys, 32 simultaneous posts each"},
	{"C17", "100 flips of one key"},
	{"C18", "bad receivers"},
	{"C19", "panic, bad row, endless template"},
	{"C20", "one channel hangs"},
	{"C21", "ten times the sustained rate"},
	{"C22", "clock one hour off, DST, leap day"},
	{"C23", "pruning while alerts arrive"},
	{"C24", "kill -9 in migrations"},
	{"C25", "language model hangs, refuses, answers nonsense, obeys alerts"},
	{"C26", "10,000 alerts, then rest"},
}

// table collects the lines.
type table struct {
	mu    sync.Mutex
	lines []*line
}

// line is what the tests of one row, engine and fault found.
type line struct {
	id, engine, fault                  string
	tests, failed, skipped             int
	faults                             int
	accepted, lost                     int
	onWay, repeats, odd                int
	delivered, suppressed, dead, other int64
	counted                            bool
	times                              []worst
	said                               []string
}

// worst is the longest of the times that something took.
type worst struct {
	what        string
	took, limit time.Duration
}

// recorder is a test's hand on its line.
type recorder struct {
	t    *testing.T
	line *line
}

// row names what a test does; see summary.
func row(t *testing.T, id, engine, fault string) recorder {
	t.Helper()
	summary.mu.Lock()
	defer summary.mu.Unlock()
	n := slices.IndexFunc(summary.lines, func(l *line) bool { return l.id == id && l.engine == engine && l.fault == fault })
	if n < 0 {
		n = len(summary.lines)
		summary.lines = append(summary.lines, &line{id: id, engine: engine, fault: fault})
	}
	c := recorder{t, summary.lines[n]}
	t.Cleanup(func() { // the last one of the test
		summary.mu.Lock()
		defer summary.mu.Unlock()
		c.line.tests++
		switch {
		case t.Failed():
			c.line.failed++
		case t.Skipped():
			c.line.skipped++
		}
	})
	return c
}

// faults notes how often a test did what it is for.
func (c recorder) faults(n int) {
	summary.mu.Lock()
	defer summary.mu.Unlock()
	c.line.faults += n
}

// count adds what an audit found.
func (c recorder) count(o outcome) {
	summary.mu.Lock()
	defer summary.mu.Unlock()
	l := c.line
	l.counted = true
	l.accepted, l.lost = l.accepted+o.accepted, l.lost+o.lost
	l.onWay, l.repeats, l.odd = l.onWay+o.onWay, l.repeats+o.repeats, l.odd+o.unexplained
	for state, n := range o.counts {
		switch state {
		case "delivered":
			l.delivered += n
		case "suppressed":
			l.suppressed += n
		case "dead":
			l.dead += n
		default:
			l.other += n
		}
	}
}

// within notes how long something took, and fails the long form when that was longer than limit, if there is one.
func (c recorder) within(what string, took, limit time.Duration) {
	c.t.Helper()
	if limit > 0 {
		bar(c.t, what, took, limit)
	}
	summary.mu.Lock()
	defer summary.mu.Unlock()
	for n := range c.line.times {
		if w := &c.line.times[n]; w.what == what {
			w.took = max(w.took, took)
			return
		}
	}
	c.line.times = append(c.line.times, worst{what, took, limit})
}

// say notes a figure in words.
func (c recorder) say(format string, args ...any) {
	summary.mu.Lock()
	defer summary.mu.Unlock()
	if s := fmt.Sprintf(format, args...); s != "" && !slices.Contains(c.line.said, s) {
		c.line.said = append(c.line.said, s)
	}
}

// print writes the table, if anything was done at all.
func (s *table) print(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return
	}
	lines := slices.Clone(s.lines)
	for _, r := range chaosRows {
		if !slices.ContainsFunc(lines, func(l *line) bool { return l.id == r.id }) {
			lines = append(lines, &line{id: r.id, fault: r.fault})
		}
	}
	slices.SortStableFunc(lines, func(a, b *line) int {
		return cmp.Or(position(a.id)-position(b.id), strings.Compare(a.id, b.id), strings.Compare(a.fault, b.fault), strings.Compare(a.engine, b.engine))
	})
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "row\tfault\tengine\tfaults\taccepted\tdelivered\tsuppressed\tdead\tlost\ton way\trepeats\tunexplained\tverdict\tfigures (worst)\t")
	for _, l := range lines {
		_, _ = fmt.Fprintln(t, l.text())
	}
	_ = t.Flush()
	if !long() {
		_, _ = fmt.Fprintln(w, "short form: facts are judged, times are not; make chaos has the bars")
	}
}

// position is that of a row in the suite.
func position(id string) int {
	for n, r := range chaosRows {
		if r.id == id {
			return n
		}
	}
	return len(chaosRows)
}

func (l *line) text() string {
	var cells []string
	for _, n := range []int64{int64(l.accepted), l.delivered, l.suppressed, l.dead, int64(l.lost), int64(l.onWay), int64(l.repeats), int64(l.odd)} {
		if !l.counted {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	faults := ""
	if l.faults > 0 {
		faults = strconv.Itoa(l.faults)
	}
	var figures []string
	for _, w := range l.times {
		s := w.what + " " + w.took.Round(max(time.Millisecond, w.took.Round(time.Second)/1000)).String()
		if w.limit > 0 {
			s += " (bar " + w.limit.String() + ")"
		}
		figures = append(figures, s)
	}
	if l.other > 0 {
		figures = append(figures, fmt.Sprintf("%d alerts in other states", l.other))
	}
	return strings.Join([]string{
		l.id, l.fault, l.engine, faults, strings.Join(cells, "\t"), l.verdict(), strings.Join(append(figures, l.said...), ", "), "",
	}, "\t")
}

// verdict is the worst of the line's tests.
func (l *line) verdict() string {
	switch {
	case l.tests == 0:
		return "not run"
	case l.failed > 0:
		return "FAILED"
	case l.skipped == l.tests:
		return "skipped"
	default:
		return "ok"
	}
}

// starts notes how fast the starts of a hub were.
func (c recorder) starts(h *hub) {
	h.mu.Lock()
	ready := slices.Clone(h.ready)
	h.mu.Unlock()
	for n, took := range ready {
		if n == 0 { // which makes the schema
			c.within("first ready", took, firstReadyIn)
			continue
		}
		c.within("ready", took, readyIn)
	}
}
