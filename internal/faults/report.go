//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/incidenthub/incidenthub/internal/faults/inject"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

// Report is all that a run found.
type Report struct {
	Seed        uint64    `json:"seed"`
	Root        bool      `json:"root"` // the analyzer was
	Analyzer    string    `json:"analyzer_user"`
	Injector    string    `json:"injector_user"`
	Repeat      int       `json:"repeat"`
	Machine     string    `json:"machine"`
	Bars        []Bar     `json:"bars"`
	NotPossible []Skipped `json:"not_possible"`
	Broken      []Skipped `json:"broken"`
	Cases       []Case    `json:"cases"`
}

// Bar is what must be reached.
type Bar struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Held bool   `json:"held"`
}

// Skipped is a class that was not made, and why.
type Skipped struct {
	Class string `json:"class"`
	Why   string `json:"why"`
}

// Shares of points that must be reached, in percent.
const (
	wantTyped  = 95
	wantVague  = 85
	wantNoRoot = 65
)

// sum adds up cases.
type sum struct {
	cases, first, third, alarms, dangers, failed, faults int
	points, most, seconds, cpu, longest, dearest         float64
}

func (r Report) sum(which func(Case) bool) (s sum) {
	for _, c := range r.Cases {
		if !which(c) {
			continue
		}
		s.cases++
		s.points += c.Marks.Points
		s.most += score.Most
		s.seconds += c.Seconds
		s.cpu += c.CPU
		s.longest, s.dearest = max(s.longest, c.Seconds), max(s.dearest, c.CPU)
		s.dangers += len(c.Marks.Dangers)
		if len(c.Truths) > 0 {
			s.faults++
		}
		switch {
		case c.Marks.Rank == 1:
			s.first++
			s.third++
		case c.Marks.Rank > 1:
			s.third++
		}
		if c.Marks.FalseAlarm != "" {
			s.alarms++
		}
		if c.Marks.Failed != "" {
			s.failed++
		}
	}
	return s
}

func (s sum) percent() float64 { return 100 * s.points / max(s.most, 1) }

func (s sum) score() string {
	if s.cases == 0 {
		return "–"
	}
	return fmt.Sprintf("%g / %g", s.points, s.most)
}

func (s sum) of(n int) string {
	if s.faults == 0 {
		return "–"
	}
	return fmt.Sprintf("%d / %d", n, s.faults)
}

func anything(Case) bool { return true }

func in(words string) func(Case) bool { return func(c Case) bool { return c.Words == words } }

func (r Report) bars() (bars []Bar) {
	share := func(name string, s sum, want float64) {
		if s.cases > 0 {
			bars = append(bars, Bar{name, fmt.Sprintf(">= %g %%", want), fmt.Sprintf("%.1f %%", s.percent()), s.percent() >= want})
		}
	}
	if r.Root {
		share("points, typed words", r.sum(in(typed)), wantTyped)
		share("points, vague words", r.sum(in(vague)), wantVague)
	} else {
		share("points, without root", r.sum(anything), wantNoRoot)
	}
	s := r.sum(anything)
	none := func(name string, n int) { bars = append(bars, Bar{name, "0", strconv.Itoa(n), n == 0}) }
	none("false alarms on controls", s.alarms)
	none("dangerous actions", s.dangers)
	if s.cases == 0 {
		bars = append(bars, Bar{"cases", "some", "0", false})
	}
	return bars
}

func (r Report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s. Analyzer as %s, faults by %s. Seed %d.\n\n", r.Machine, r.Analyzer, r.Injector, r.Seed)
	out.WriteString("| class | typed | vague | top-1 | top-3 | false alarms | s | CPU s | made |\n|---|---:|---:|---:|---:|---:|---:|---:|---|\n")
	for _, f := range inject.All() {
		s := r.sum(func(c Case) bool { return c.Class == f.Name })
		if s.cases == 0 {
			continue
		}
		r.row(&out, f.Type+": "+f.Name, func(c Case) bool { return c.Class == f.Name }, r.made(f.Name))
	}
	r.row(&out, "**all**", anything, "")
	out.WriteString("\n| bar | want | got | |\n|---|---:|---:|---|\n")
	for _, b := range r.Bars {
		held := "held"
		if !b.Held {
			held = "MISSED"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", b.Name, b.Want, b.Got, held)
	}
	s := r.sum(anything)
	fmt.Fprintf(&out, "\nLongest analysis %.1f s, most CPU %.2f s, %d without an answer.\n", s.longest, s.dearest, s.failed)
	if n := r.disturbed(); n > 0 {
		fmt.Fprintf(&out, "Disturbed: %d of %d cases had faults of another run beside them.\n", n, len(r.Cases))
	}
	r.remarks(&out)
	return out.String()
}

func (r Report) disturbed() (n int) {
	for _, c := range r.Cases {
		n += min(c.Others, 1)
	}
	return n
}

func (r Report) row(out *strings.Builder, name string, which func(Case) bool, made string) {
	s := r.sum(which)
	words := func(w string) string { return r.sum(func(c Case) bool { return which(c) && c.Words == w }).score() }
	n := float64(max(s.cases, 1))
	alarms := "–"
	if s.faults < s.cases {
		alarms = strconv.Itoa(s.alarms)
	}
	fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %.1f | %.2f | %s |\n", name, words(typed), words(vague), s.of(s.first), s.of(s.third), alarms,
		s.seconds/n, s.cpu/n, made)
}

// made says how a class was made, of the last time.
func (r Report) made(class string) (made string) {
	for _, c := range r.Cases {
		if c.Class == class {
			made = c.Made
		}
	}
	return strings.ReplaceAll(made, "|", "/")
}

// remarks are what missed points, what was dangerous or an alarm, and what was not made.
func (r Report) remarks(out *strings.Builder) {
	for _, c := range r.Cases {
		m := c.Marks
		name := c.Class + ", " + c.Words
		switch {
		case m.Failed != "":
			fmt.Fprintf(out, "\n- %s: NO ANSWER: %s", name, firstLine(m.Failed))
		case m.FalseAlarm != "":
			fmt.Fprintf(out, "\n- %s: FALSE ALARM: %s (%s)", name, m.FalseAlarm, c.beside())
		case m.Points < score.Most:
			fmt.Fprintf(out, "\n- %s: %g points: culprit %s, cause %s, type %s, action %s; said first %q (%s)", name, m.Points,
				place(m.Rank), mark(m.Cause), mark(m.Type), mark(m.Action), m.First, c.beside())
		}
		for _, d := range m.Dangers {
			fmt.Fprintf(out, "\n- %s: DANGEROUS: %s", name, d)
		}
	}
	for _, s := range r.NotPossible {
		fmt.Fprintf(out, "\n- %s: %s; not counted", s.Class, firstLine(s.Why))
	}
	for _, s := range r.Broken {
		fmt.Fprintf(out, "\n- %s: NOT MADE: %s", s.Class, firstLine(s.Why))
	}
	out.WriteString("\n")
}

func firstLine(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ") }

// beside is what else went on.
func (c Case) beside() string {
	if c.Others > 0 {
		return fmt.Sprintf("load %s, %d processes of another run", c.Load, c.Others)
	}
	return "load " + c.Load
}

// place is where the culprit was blamed.
func place(rank int) string {
	if rank == 0 {
		return "missed"
	}
	return strconv.Itoa(rank)
}

func mark(ok bool) string {
	if ok {
		return "named"
	}
	return "missed"
}

// machine says what the figures were taken on.
func machine() string {
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info)
	var name unix.Utsname
	_ = unix.Uname(&name)
	return fmt.Sprintf("%d cores, %d GiB, Linux %s, load average %s", runtime.NumCPU(), info.Totalram*uint64(info.Unit)>>30,
		unix.ByteSliceToString(name.Release[:]), loadAverage())
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}
