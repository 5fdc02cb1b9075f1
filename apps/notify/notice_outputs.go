package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// checkFacts is what a context node found.
type checkFacts struct {
	Host        string // that was looked at: it need not be the one that the alerts are about
	Run, Passed int
	Bad         []string // "[CRITICAL] disk: / 97% used", worst first
	OK          string   // names
	Elsewhere   string   // one line, when the host is not the one that the alerts are about
	worst       event.Severity
}

// analysisFacts is what an intelligence node found.
type analysisFacts struct {
	Head, Summary, Cause string
	Doubt                string   // "low confidence" when it stands on nothing
	Items                []string // "[high] Free space: …"
	More                 int
	Empty                bool
}

// run fills in for a notice without an incident: the checks decide, else whatever ingest says (contract 9).
func (f *facts) run(in *NoticeInput) {
	f.text = textRun
	ingest := channel.Object(in.Outputs["ingest"])
	f.Ingest = ingestLine(ingest)
	f.listAlerts(in.Alerts)
	f.Severity = string(event.SeverityInfo)
	switch s, _ := ingest["severity"].(string); {
	case f.Checks == nil:
		f.Subject = "Pipeline Notification"
		if sev := event.ParseSeverity(s); sev != "" {
			f.Severity = string(sev)
		}
	case f.Checks.worst == event.SeverityCritical:
		f.Subject, f.Severity = "Health Check Alert — Critical", string(event.SeverityCritical)
	case f.Checks.worst == event.SeverityWarning:
		f.Subject, f.Severity = "Health Check Alert — Warning", string(event.SeverityWarning)
	default:
		f.Subject = "Health Check Report"
	}
	f.Nothing = f.Checks == nil && f.Analysis == nil && f.Ingest == "" && len(f.Alerts) == 0 && f.Source == "" && len(f.Links) == 0
}

func ingestLine(ingest map[string]any) string {
	var parts []string
	for _, key := range []string{"alerts_created", "alerts_updated", "alerts_resolved", "incidents_created", "incidents_updated"} {
		if n := count(ingest[key]); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(key, "_", " "), n))
		}
	}
	return strings.Join(parts, ", ")
}

func readChecks(output any) *checkFacts {
	o := channel.Object(output)
	if o == nil {
		return nil
	}
	results := channel.Object(o["results"])
	f := &checkFacts{Run: count(o["checks_run"]), Passed: count(o["checks_passed"]), Host: line(text1(o["hostname"]), maxValue)}
	if o[keyElsewhere] != nil {
		f.Elsewhere = line(text1(o[keySummary]), maxLine)
		f.Run, f.Passed = len(results), 0 // those that are not in the line
	}
	if f.Run == 0 && len(results) == 0 && f.Elsewhere == "" {
		return nil
	}
	f.Run = max(f.Run, len(results))
	names := slices.Sorted(maps.Keys(results))
	var ok []string
	for _, want := range checkStatuses {
		for _, name := range names {
			r := channel.Object(results[name])
			status := checkStatus(r)
			if status != want {
				continue
			}
			if status == "ok" {
				ok = append(ok, name)
				continue
			}
			f.Bad = append(f.Bad, line(fmt.Sprintf("[%s] %s: %s", strings.ToUpper(status), name, text1(r["message"])), maxLine))
			if sev := severityOfCheck(status); sev.Rank() > f.worst.Rank() {
				f.worst = sev
			}
		}
	}
	f.OK = line(strings.Join(ok, ", "), maxLine)
	if f.Elsewhere != "" {
		f.Passed = len(ok)
	}
	return f
}

// checkStatuses are the results of checks, worst first.
var checkStatuses = [...]string{"critical", "warning", "unknown", "ok"}

func checkStatus(result map[string]any) string {
	if s := text1(result["status"]); slices.Contains(checkStatuses[:], s) {
		return s
	}
	return "unknown"
}

// severityOfCheck: a check that could not find out is a warning (contract 6.4).
func severityOfCheck(status string) event.Severity {
	if status == "critical" {
		return event.SeverityCritical
	}
	return event.SeverityWarning
}

func readAnalysis(output any) *analysisFacts {
	o := channel.Object(output)
	if o == nil || o[keyElsewhere] != nil {
		return nil
	}
	f := &analysisFacts{Head: analysisHead(o) + madeAt(o), Summary: block(firstOf(text1(o["overview"]), text1(o["summary"]))), Cause: block(text1(o["probable_cause"]))}
	grounded, said := o["grounded"].(bool)
	if cut, _ := o["truncated"].(bool); (cut || said && !grounded) && text1(o["rung"]) != "facts" { // facts claim nothing
		f.Doubt = "low confidence"
	}
	items := channel.Recommendations(o["recommendations"])
	for i, item := range items {
		if i == maxItems {
			f.More = len(items) - i
			break
		}
		r := channel.Object(item)
		s := firstOf(text1(r["title"]), text1(item))
		if p := text1(r["priority"]); p != "" {
			s = "[" + p + "] " + s
		}
		if d := text1(r["description"]); d != "" {
			s += ": " + d
		}
		f.Items = append(f.Items, line(s, maxLine))
	}
	// The summary of a list is its first title: say it once.
	if len(items) > 0 && f.Summary == line(text1(channel.Object(items[0])["title"]), maxDescription) {
		f.Summary = ""
	}
	if len(items) > 0 && f.Cause == block(text1(channel.Object(items[0])["description"])) { // nor twice what is wrong
		f.Cause = ""
	}
	f.Empty = len(items) == 0 && f.Summary == "" && f.Cause == ""
	return f
}

// analysisHead says who wrote an analysis, and why not somebody better.
func analysisHead(o map[string]any) string {
	provider := line(firstOf(text1(o["provider"]), "the hub"), maxValue)
	fallback, _ := o["fallback_used"].(bool)
	why := line(text1(o["why"]), maxValue)
	asked := provider
	if provider == "local" {
		asked = "the local analyzer"
	}
	failed := ""
	if fallback && why != "" {
		failed = " (" + asked + ": " + why + ")"
	}
	switch text1(o["rung"]) {
	case "provider":
		model := line(text1(channel.Object(o["model_info"])["model"]), maxValue)
		if model != "" && model != provider {
			return "Analysis by " + provider + " (" + model + ")"
		}
		return "Analysis by " + provider
	case "local":
		return "Analysis by the local analyzer" + failed
	case "facts":
		return "The facts, without an analysis" + failed
	}
	if fallback {
		return "Analysis by " + provider + " (the AI provider was not available)"
	}
	return "Analysis by " + provider
}

// madeAt says when an analysis was made, of one that was not made for this message.
func madeAt(o map[string]any) string {
	at, err := time.Parse(time.RFC3339, text1(o["made_at"]))
	if err != nil {
		return ""
	}
	return ", made " + stamp(at.UTC())
}

func text1(v any) string {
	s, _ := v.(string)
	return s
}

// count reads a number of things: 0 for whatever is none.
func count(v any) int {
	switch n := v.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case float64:
		return int(n)
	case json.Number:
		i, _ := n.Int64()
		return int(i)
	default:
		return 0
	}
}
