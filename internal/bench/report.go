//go:build unix

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// Report is everything that a run measured.
type Report struct {
	Machine  Machine    `json:"machine"`
	Hub      string     `json:"hub"`
	Clients  int        `json:"clients"`
	Seconds  int        `json:"seconds"`
	Alerts   int64      `json:"alerts,omitempty"`
	Stages   []Figures  `json:"stages"`
	Standing []Standing `json:"standing,omitempty"`
}

// line is one row of the table: a figure per engine and what is aimed at.
type line struct {
	name, aim string
	stage     string
	value     func(Figures) string
	standing  func(Standing) string
}

func lines() []line {
	return []line{
		{name: "durable accepts/s, direct pipeline + inbox", aim: ">= 6,000", stage: stageAccept, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… p50 / p99 ms", stage: stageAccept, value: acceptTimes},
		{name: "… alerts/s until all is done", stage: stageAccept, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert: hub + database", stage: stageAccept, value: cpuEach},
		{name: "durable accepts/s, no route", stage: stageNoRoute, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… p50 / p99 ms", stage: stageNoRoute, value: acceptTimes},
		{name: "… CPU us/alert: hub + database", stage: stageNoRoute, value: cpuEach},
		{name: "alerts/s accepted, 10 per request", stage: stageBatch, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… alerts/s until all is done", stage: stageBatch, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert: hub + database", stage: stageBatch, value: cpuEach},
		{name: "alert to receiver/s, drain included", aim: ">= 2,500", stage: stageTell, value: func(f Figures) string { return whole(f.EndToEndRate) }},
		{name: "… accepts/s meanwhile", stage: stageTell, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… CPU us/alert: hub + database", stage: stageTell, value: cpuEach},
		{name: "… CPU us/alert: driver + receiver, a yardstick of the machine", stage: stageTell, value: func(f Figures) string { return whole(f.DriverCPU) }},
		{name: "alert to receiver at 200/s: p50 / p99 ms", aim: "<= 6 / 40", stage: stagePace, value: func(f Figures) string { return pair(f.EndToEndP50, f.EndToEndP99) }},
		{name: "… answered: p50 / p99 ms", stage: stagePace, value: acceptTimes},
		{name: "40,000 repeats of 1,000 alerts/s until all is done", stage: stageRepeat, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert: hub + database", stage: stageRepeat, value: cpuEach},
		{name: "start to ready on existing data, ms (worst of 5)", aim: "< 150", standing: func(s Standing) string {
			return fmt.Sprintf("%.0f (%.0f)", s.ReadyMedian, s.ReadyWorst)
		}},
		{name: "idle memory, MiB", aim: "< 60", standing: func(s Standing) string { return fmt.Sprintf("%.0f", float64(s.Resident)/(1<<20)) }},
		{name: "on disk, KB/alert", standing: func(s Standing) string { return fmt.Sprintf("%.1f", s.BytesPerAlert/1000) }},
	}
}

func acceptTimes(f Figures) string { return pair(f.AcceptP50, f.AcceptP99) }

func pair(a, b float64) string { return fmt.Sprintf("%.1f / %.1f", a, b) }

func cpuEach(f Figures) string {
	return fmt.Sprintf("%.0f + %.0f = %.0f", f.HubCPU, f.DatabaseCPU, f.HubCPU+f.DatabaseCPU)
}

// whole writes 12345.6 as 12,346.
func whole(v float64) string {
	s := strconv.FormatInt(int64(v+.5), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (r Report) markdown() string {
	var out strings.Builder
	m := r.Machine
	each := fmt.Sprintf("%d s each", r.Seconds)
	if r.Alerts > 0 {
		each = fmt.Sprintf("%d alerts each", r.Alerts)
	}
	fmt.Fprintf(&out, "%d cores (%s), shared with the load driver; memory %s; Linux %s; %s, 8 KiB written and synced in %.2f ms; %s",
		m.Cores, m.CPU, m.Memory, m.Kernel, m.Filesystem, m.Sync, m.Go)
	if m.Postgres != "" {
		fmt.Fprintf(&out, "; PostgreSQL %s, fsync on, shared_buffers 1GB, max_wal_size 8GB", m.Postgres)
	}
	fmt.Fprintf(&out, ".\nHub: %s. %d clients, loads of %s.\n\n", r.Hub, r.Clients, each)
	if len(r.Standing) == 0 {
		r.slices(&out)
	} else {
		r.table(&out)
	}
	failed := 0
	for _, f := range r.Stages {
		for _, p := range f.Problems {
			failed++
			fmt.Fprintf(&out, "\nFAILED: %s, %s: %s", f.Engine, f.Stage, p)
		}
	}
	if failed == 0 {
		out.WriteString("\nChecked after each load: nothing lost, nothing told twice, nothing pending, ledger balanced.")
	}
	out.WriteString("\n")
	return out.String()
}

func (r Report) table(out *strings.Builder) {
	head, rule := "| figure |", "|---|"
	for _, s := range r.Standing {
		head, rule = head+" "+s.Engine+" |", rule+"---:|"
	}
	fmt.Fprintf(out, "%s aim |\n%s---:|\n", head, rule)
	for _, l := range lines() {
		fmt.Fprintf(out, "| %s |", l.name)
		for _, s := range r.Standing {
			fmt.Fprintf(out, " %s |", r.cell(l, s))
		}
		fmt.Fprintf(out, " %s |\n", l.aim)
	}
	out.WriteString("\nLoad average before each load:")
	for _, f := range r.Stages {
		fmt.Fprintf(out, " %s %s %s;", f.Engine, f.Stage, f.LoadAverage)
	}
	out.WriteString("\n")
}

func (r Report) cell(l line, s Standing) string {
	if l.standing != nil {
		if s.Resident == 0 { // not measured
			return "–"
		}
		return l.standing(s)
	}
	for _, f := range r.Stages {
		if f.Engine == s.Engine && f.Stage == l.stage {
			return l.value(f)
		}
	}
	return "–"
}

// slices is the table of --fresh.
func (r Report) slices(out *strings.Builder) {
	out.WriteString("A fresh Postgres without ANALYZE; the CPU per alert must not rise.\n\n" +
		"| alerts | accepts/s | alert to receiver/s | CPU us/alert: hub + database |\n|---|---:|---:|---:|\n")
	from := int64(0)
	for _, f := range r.Stages {
		fmt.Fprintf(out, "| %s to %s | %s | %s | %s |\n", whole(float64(from)), whole(float64(from+f.Alerts)), whole(f.AcceptRate), whole(f.EndToEndRate), cpuEach(f))
		from += f.Alerts
	}
}
