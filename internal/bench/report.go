//go:build unix

package main

import (
	"cmp"
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

// line is one row of the table: a figure per form and what is aimed at.
type line struct {
	name, aim string
	stage     string
	value     func(Figures) string
	standing  func(Standing) string
	loads     func(by map[string]Figures) string // of several loads; "" when one of them was not run
}

func lines() []line {
	return []line{
		{name: "durable accepts/s, direct pipeline + inbox", aim: ">= 8,000", stage: stageAccept, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… p50 / p99 ms", stage: stageAccept, value: acceptTimes},
		{name: "… alerts/s until all is done", stage: stageAccept, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert", stage: stageAccept, value: cpuEach},
		{name: "durable accepts/s, no route", aim: ">= 8,000", stage: stageNoRoute, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… p50 / p99 ms", stage: stageNoRoute, value: acceptTimes},
		{name: "… CPU us/alert, with folding", stage: stageNoRoute, value: cpuEach},
		{name: "… CPU us/alert, the accept alone", aim: "<= 150", stage: stageTakeIn, value: cpuEach},
		{name: "alerts/s accepted, 10 per request", stage: stageBatch, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… alerts/s until all is done", stage: stageBatch, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert", stage: stageBatch, value: cpuEach},
		{name: "alert to receiver/s, drain included", aim: ">= 3,500", stage: stageTell, value: func(f Figures) string { return whole(f.EndToEndRate) }},
		{name: "… accepts/s meanwhile", stage: stageTell, value: func(f Figures) string { return whole(f.AcceptRate) }},
		{name: "… CPU us/alert", stage: stageTell, value: cpuEach},
		{name: "… CPU us/alert: driver + receiver, a yardstick of the machine", stage: stageTell, value: func(f Figures) string { return whole(f.DriverCPU) }},
		{name: "at 200/s, answered: p50 / p99 ms", aim: "<= 6 / 40", stage: stagePace, value: acceptTimes},
		{name: "… alert to receiver: p50 / p99 ms", aim: "<= 10 / –", stage: stagePace, value: func(f Figures) string { return pair(f.EndToEndP50, f.EndToEndP99) }},
		{name: "preset full (checks, analysis): alert to receiver/s", aim: ">= 500", stage: stageFull, value: func(f Figures) string { return whole(f.EndToEndRate) }},
		{name: "… alerts/s until all are analysed too", stage: stageFull, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert", stage: stageFull, value: cpuEach},
		{name: "… at 200/s, alert to receiver: p50 / p99 ms", aim: "<= 3,000 / –", stage: stageFullPace, value: func(f Figures) string { return pair(f.EndToEndP50, f.EndToEndP99) }},
		{name: "receiver down: accepts/s (of normal)", aim: ">= 90 %", loads: downRate},
		{name: "… memory MiB: before, half-way, end", aim: "flat", loads: downMemory},
		{name: "… CPU us/alert", stage: stageStillDown, value: cpuEach},
		{name: "20,000 repeats of 1,000 alerts/s until all is done", stage: stageRepeat, value: func(f Figures) string { return whole(f.DoneRate) }},
		{name: "… CPU us/alert", stage: stageRepeat, value: cpuEach},
		{name: "start to ready on existing data, ms (worst of 5)", aim: "< 150", standing: func(s Standing) string {
			return fmt.Sprintf("%.0f (%.0f)", s.ReadyMedian, s.ReadyWorst)
		}},
		{name: "idle memory, MiB", aim: "< 60", standing: func(s Standing) string { return mebibytes(s.Resident) }},
		{name: "on disk, KB/alert", standing: func(s Standing) string { return fmt.Sprintf("%.1f", s.BytesPerAlert/1000) }},
	}
}

// downRate compares the two parts without a receiver with the one before them.
func downRate(by map[string]Figures) string {
	up, down, still := by[stageUp], by[stageDown], by[stageStillDown]
	if up.AcceptRate == 0 || still.AcceptRate == 0 {
		return ""
	}
	mean := (down.AcceptRate + still.AcceptRate) / 2
	return fmt.Sprintf("%s (%.0f %%)", whole(mean), 100*mean/up.AcceptRate)
}

// downMemory is what the hub's processes held when the receiver went down, half-way, and at the end.
func downMemory(by map[string]Figures) string {
	down, still := by[stageDown], by[stageStillDown]
	if still.ResidentAfter == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s, %s", mebibytes(down.ResidentBefore), mebibytes(down.ResidentAfter), mebibytes(still.ResidentAfter))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f", float64(n)/(1<<20)) }

func acceptTimes(f Figures) string { return pair(f.AcceptP50, f.AcceptP99) }

func pair(a, b float64) string { return fmt.Sprintf("%.1f / %.1f", a, b) }

// cpuEach is what an alert cost: hub + Postgres, or server + workers + Postgres + Redis.
func cpuEach(f Figures) string {
	sum := f.HubCPU + f.WorkersCPU + f.DatabaseCPU + f.RedisCPU
	if f.WorkersCPU+f.RedisCPU > 0 {
		return fmt.Sprintf("%.0f + %.0f + %.0f + %.0f = %.0f", f.HubCPU, f.WorkersCPU, f.DatabaseCPU, f.RedisCPU, sum)
	}
	return fmt.Sprintf("%.0f + %.0f = %.0f", f.HubCPU, f.DatabaseCPU, sum)
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
	if m.Redis != "" {
		fmt.Fprintf(&out, "; Redis %s, AOF every second", m.Redis)
	}
	fmt.Fprintf(&out, ".\nHub: %s. %d clients, loads of %s.\n\n", r.Hub, r.Clients, each)
	if len(r.Standing) == 0 {
		r.slices(&out)
	} else {
		r.table(&out)
	}
	r.books(&out)
	return out.String()
}

// books says of each load what became of its alerts.
func (r Report) books(out *strings.Builder) {
	out.WriteString("\n| load | alerts | lost | told twice | ledger | load average before |\n|---|---:|---:|---:|---|---:|\n")
	for _, f := range r.Stages {
		ledger := "balanced"
		if !f.Balanced {
			ledger = "NOT BALANCED"
		}
		fmt.Fprintf(out, "| %s: %s | %s | %s | %s | %s | %s |\n", f.Engine, f.Stage, whole(float64(f.Alerts)), whole(float64(f.Lost)), whole(float64(f.Twice)),
			ledger, f.LoadAverage)
	}
	failed := 0
	for _, f := range r.Stages {
		for _, p := range f.Problems {
			failed++
			fmt.Fprintf(out, "\nFAILED: %s, %s: %s", f.Engine, f.Stage, p)
		}
	}
	if failed == 0 {
		out.WriteString("\nChecked after each load: nothing lost, nothing told twice, nothing pending but what waits for a receiver that is down, ledger balanced.")
	}
	out.WriteString("\n")
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
	out.WriteString("\nCPU us/alert: hub + Postgres; scaled: server + workers + Postgres + Redis. Driver and receiver are not in it.\n")
}

func (r Report) cell(l line, s Standing) string {
	if l.standing != nil {
		if s.Resident == 0 { // not measured
			return "–"
		}
		return l.standing(s)
	}
	by := map[string]Figures{}
	for _, f := range r.Stages {
		if f.Engine == s.Engine {
			by[f.Stage] = f
		}
	}
	if l.loads != nil {
		return cmp.Or(l.loads(by), "–")
	}
	if f, ok := by[l.stage]; ok {
		return l.value(f)
	}
	return "–"
}

// slices is the table of --fresh.
func (r Report) slices(out *strings.Builder) {
	out.WriteString("A fresh Postgres without ANALYZE; the CPU per alert must not rise.\n\n" +
		"| alerts | accepts/s | alert to receiver/s | CPU us/alert |\n|---|---:|---:|---:|\n")
	from := int64(0)
	for _, f := range r.Stages {
		fmt.Fprintf(out, "| %s to %s | %s | %s | %s |\n", whole(float64(from)), whole(float64(from+f.Alerts)), whole(f.AcceptRate), whole(f.EndToEndRate), cpuEach(f))
		from += f.Alerts
	}
}
