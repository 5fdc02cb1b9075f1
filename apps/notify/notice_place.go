package notify

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Keys of the outputs that are told. Of what was looked at on another machine than the alerts', "check" has keyElsewhere and keySummary
// instead of what the checks found there, and "intelligence" has them instead of an analysis of that machine.
const (
	outCheck     = "check"
	outAnalysis  = "intelligence"
	keyElsewhere = "elsewhere" // the machines that the alerts are about
	keySummary   = "summary"   // one line for people
)

// placeLabels say which machine an alert is about (INTELLIGENCE: "Whose host?"). host, port and url are what was asked there.
var placeLabels = [...]string{"instance", "hostname", "instance_id", "host_name"}

// atTargets are the checks that look at what somebody else offers: what they find is about the alert, from wherever they look.
var atTargets = [...]string{"http", "tcp", "tls_expiry", "dns"}

// keepPlace leaves out what was found on a machine that the alerts are not about: one line says how that one is. All of it is on the
// incident's page. Nothing is left out of an incident one of whose machines was looked at, or that names none.
func (b *Notices) keepPlace(in *NoticeInput) {
	if in.Outputs[outCheck] == nil && in.Outputs[outAnalysis] == nil {
		return
	}
	machines := machinesOf(in.Alerts)
	if len(machines) == 0 {
		return
	}
	check, found := channel.Object(in.Outputs[outCheck]), channel.Object(in.Outputs[outAnalysis])
	looked, abroad := lookedAt(found)
	if host := text1(check["hostname"]); looked == "" {
		looked = host
	}
	onHub := byHub(found)
	switch {
	case looked == "" || onHub && !abroad: // the analyzer knows its host by more than its name, and takes it for the alerts'
		return
	case !abroad && slices.ContainsFunc(machines, func(m string) bool { return b.isHost(m, looked) }):
		return
	}
	out := maps.Clone(in.Outputs)
	why := ""
	if onHub {
		out[outAnalysis] = analysisElsewhere(found, looked, machines)
		why = notAnalyzed(found)
	}
	out[outCheck] = checkElsewhere(check, looked, machines, why)
	in.Outputs = out
}

// machinesOf are the machines that firing alerts name, each once; those of all alerts when none fires.
func machinesOf(alerts []channel.Alert) []string {
	var firing, all []string
	for i := range alerts {
		for _, k := range placeLabels {
			m := machine(alerts[i].Labels[k])
			if m == "" {
				continue
			}
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
			if alerts[i].Status != event.StatusResolved && !slices.Contains(firing, m) {
				firing = append(firing, m)
			}
		}
	}
	if len(firing) > 0 {
		return firing
	}
	return all
}

// machine is the host in a label that may be an address with a port, or a URL.
func machine(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if strings.Contains(s, "://") {
		if u, err := url.Parse(s); err == nil {
			return u.Hostname()
		}
	}
	if h, _, err := net.SplitHostPort(s); err == nil {
		s = h
	}
	return strings.TrimSuffix(strings.Trim(s, "[]"), ".")
}

// isHost reports whether a name or an address of an alert is the machine that was looked at, which is the hub's own.
func (b *Notices) isHost(name, looked string) bool {
	if ip := net.ParseIP(strings.SplitN(name, "%", 2)[0]); ip != nil {
		return ip.IsLoopback() || ip.IsUnspecified() || slices.ContainsFunc(b.addresses, ip.Equal)
	}
	looked = strings.ToLower(strings.TrimSuffix(looked, "."))
	if name == looked || name == "localhost" || strings.HasPrefix(name, "localhost.") {
		return true
	}
	short, _, dotted := strings.Cut(name, ".")
	own, _, ownDotted := strings.Cut(looked, ".")
	return short == own && (!dotted || !ownDotted)
}

// ownAddresses are the addresses of this machine.
func ownAddresses() []net.IP {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil // alerts that name it by address are told as those of another one
	}
	var out []net.IP
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			out = append(out, n.IP)
		}
	}
	return out
}

// byHub reports whether an analysis is of the host and of the facts, and not a model's.
func byHub(found map[string]any) bool {
	rung := text1(found["rung"])
	return rung == "local" || rung == "facts" || rung == "" && text1(found["provider"]) == "local"
}

// lookedAt is the machine that the local analyzer looked at when it says that the alerts are about another one.
func lookedAt(found map[string]any) (host string, abroad bool) {
	for _, r := range channel.Recommendations(found["recommendations"]) {
		if d := channel.Object(channel.Object(r)["details"]); text1(d["fault"]) == keyElsewhere {
			return text1(d["looked_at"]), true
		}
	}
	return "", false
}

// notAnalyzed says why somebody better than the local analyzer was not heard.
func notAnalyzed(found map[string]any) string {
	fallback, _ := found["fallback_used"].(bool)
	if why := line(text1(found["why"]), maxValue); fallback && why != "" {
		return "no analysis: " + why
	}
	return ""
}

// analysisElsewhere is the output of an analyzer that looked at a machine that the alerts are not about: for templates and programs that read it. Built-in
// texts do not have it, the line of checkElsewhere says as much.
func analysisElsewhere(found map[string]any, looked string, machines []string) map[string]any {
	out := map[string]any{
		"rung": "facts", "provider": "local", keyElsewhere: machines, "looked_at": looked, "recommendations": []any{},
		keySummary: fmt.Sprintf("Looked at %s, which is %s", line(looked, maxValue), notOne(machines)),
	}
	for _, k := range []string{"provider", "fallback_used", "why", "model_info"} {
		if v, have := found[k]; have {
			out[k] = v
		}
	}
	return out
}

// checkElsewhere is the output of checks of a machine that the alerts are not about.
func checkElsewhere(check map[string]any, looked string, machines []string, why string) map[string]any {
	out := map[string]any{
		"hostname": looked, keyElsewhere: machines, "results": map[string]any{}, "checks_run": 0, "checks_passed": 0, "checks_failed": 0,
	}
	for _, k := range []string{"checks_run", "checks_passed", "checks_failed", "earlier", "warnings", "note", "alerts"} {
		if v, have := check[k]; have {
			out[k] = v
		}
	}
	if e := channel.Object(check["evidence"]); e != nil {
		e = maps.Clone(e)
		delete(e, "checks")
		out["evidence"] = e
	}
	results, kept := channel.Object(check["results"]), map[string]any{}
	for _, name := range atTargets {
		if r, have := results[name]; have {
			kept[name] = r
		}
	}
	out["results"] = kept
	verb := "Looked at"
	if len(results) > 0 {
		verb = "Checked on"
	}
	s := fmt.Sprintf("%s %s, which is %s", verb, line(looked, maxValue), notOne(machines))
	if said := statuses(results, kept); said != "" {
		s += ": " + said
	}
	if why != "" {
		s += "; " + why
	}
	out[keySummary] = line(s, maxLine)
	return out
}

func notOne(machines []string) string {
	const most = 3
	if len(machines) == 1 {
		return "not " + line(machines[0], maxValue)
	}
	named := make([]string, min(len(machines), most))
	for i := range named {
		named[i] = line(machines[i], maxValue/most)
	}
	s := "none of " + strings.Join(named, ", ")
	if n := len(machines) - len(named); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// statuses is how the checks went, the worst first: "cpu critical, disk ok". What is kept stands elsewhere.
func statuses(results, kept map[string]any) string {
	const most = 6
	var said []string
	ok := 0
	for _, want := range checkStatuses {
		for _, name := range slices.Sorted(maps.Keys(results)) {
			if _, have := kept[name]; have || checkStatus(channel.Object(results[name])) != want {
				continue
			}
			if want == "ok" && len(said) >= most {
				ok++
				continue
			}
			said = append(said, line(name, maxValue)+" "+want)
		}
	}
	if ok > 0 {
		said = append(said, fmt.Sprintf("%d more ok", ok))
	}
	return strings.Join(said, ", ")
}
