package intelligence

import (
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/providers"
)

// facts is the last rung: it repeats what the failed checks and the alerts say and concludes nothing. Elsewhere: the incident is about
// another machine than the checks, so that they are not its cause.
func facts(in *providers.Incident, ev *providers.Evidence, elsewhere bool) *providers.Result {
	out := &providers.Result{}
	if !elsewhere {
		for _, c := range ev.Checks {
			if healthy(c) == 0 && len(out.Recommendations) < maxItems {
				out.Recommendations = append(out.Recommendations, ofCheck(c))
			}
		}
	}
	failed := len(out.Recommendations)
	if r, ok := ofAlerts(ev.Alerts); ok && len(out.Recommendations) < maxItems {
		out.Recommendations = append(out.Recommendations, r)
	}
	if len(ev.History) > 0 && len(out.Recommendations) < maxItems {
		out.Recommendations = append(out.Recommendations, ofHistory(ev.History[0]))
	}
	switch {
	case failed > 0:
		out.Summary = fmt.Sprintf("%s failed: %s", count(failed, "check", "checks"), strings.Join(failedNames(ev.Checks), ", "))
	case len(ev.Checks) > 0 && !elsewhere:
		out.Summary = fmt.Sprintf("All %s passed; what the alerts say is all there is", count(len(ev.Checks), "check", "checks"))
	case in != nil && in.Title != "":
		out.Summary = "Nothing more is known than what the alert says: " + in.Title
	default:
		out.Summary = "Nothing was found"
	}
	return out
}

func failedNames(list []providers.Check) []string {
	var out []string
	for _, c := range list {
		if healthy(c) == 0 {
			out = append(out, c.Name+" ("+c.Status+")")
		}
	}
	return out
}

func ofCheck(c providers.Check) providers.Recommendation {
	r := providers.Recommendation{
		Type: typeOfCheck(c.Name), Priority: providers.Low, Title: fmt.Sprintf("Check %s is %s", c.Name, c.Status),
		Description: c.Message, Evidence: []string{c.ID}, Details: map[string]any{"checker": c.Name, "status": c.Status},
	}
	if c.Status == "critical" {
		r.Priority = providers.Medium
	}
	if r.Description == "" {
		r.Description = "The check gave no reason."
	}
	r.Actions = looks[r.Type]
	return r
}

// looks are commands that only look, by type.
var looks = map[string][]string{
	providers.CPU:     {"ps -eo pid,ppid,pcpu,etime,comm --sort=-pcpu | head -15"},
	providers.Memory:  {"free -m", "ps -eo pid,ppid,rss,comm --sort=-rss | head -15"},
	providers.Disk:    {"df -h", "df -i"},
	providers.Proc:    {"ps -eo pid,ppid,stat,etime,comm | head -50"},
	providers.Network: {"ss -s", "ss -ltn"},
	providers.General: {"Look at the evidence and at the host that it is about"},
}

func typeOfCheck(name string) string {
	name = strings.ToLower(name)
	for _, t := range []struct{ part, kind string }{
		{"disk", providers.Disk},
		{"raid", providers.Disk},
		{"io_", providers.Disk},
		{"cpu", providers.CPU},
		{"mem", providers.Memory},
		{"swap", providers.Memory},
		{"process", providers.Proc},
		{"net", providers.Network},
		{"port", providers.Network},
		{"http", providers.Network},
		{"tcp", providers.Network},
		{"tls", providers.Network},
		{"dns", providers.Network},
	} {
		if strings.Contains(name, t.part) {
			return t.kind
		}
	}
	return providers.General
}

// ofAlerts names the alerts. It does not quote what they say: that stands beside it in every message, and is foreign.
func ofAlerts(list []providers.Alert) (providers.Recommendation, bool) {
	if len(list) == 0 {
		return providers.Recommendation{}, false
	}
	r := providers.Recommendation{
		Type: providers.General, Priority: providers.Low, Title: "Look into " + list[0].Name, Actions: looks[providers.General], Details: map[string]any{"alerts": len(list)},
	}
	var lines []string
	for _, a := range list {
		line := a.Name
		if a.Severity != "" {
			line += ", " + a.Severity
		}
		if on := place(a.Labels); on != "" {
			line += ", on " + on
		}
		if a.Count > 1 {
			line += fmt.Sprintf(" (%d of them)", a.Count)
		}
		lines = append(lines, line)
		r.Evidence = append(r.Evidence, a.ID)
	}
	if len(list) > 1 {
		r.Title = fmt.Sprintf("Look into %d alerts, first %s", len(list), list[0].Name)
	}
	r.Description = "What fires: " + strings.Join(lines, "; ") + "."
	return r, true
}

func ofHistory(h providers.Past) providers.Recommendation {
	r := providers.Recommendation{
		Type: providers.General, Priority: providers.Low, Title: "It looks like an earlier incident: " + h.Title, Evidence: []string{h.ID},
		Description: "That one is over. What helped then is not on record.", Actions: []string{"Compare with the earlier incident before anything is changed"},
		Details: map[string]any{"incident_id": h.IncidentID},
	}
	if h.Summary != "" {
		r.Description = "Then: " + h.Summary
	}
	return r
}

// place is the machine that labels name, "" for none.
func place(labels map[string]string) string {
	for _, k := range []string{"instance", "hostname", "instance_id", "host_name"} {
		if v := labels[k]; v != "" {
			return v
		}
	}
	return ""
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
