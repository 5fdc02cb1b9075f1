package history

import (
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/apps/event"
)

// Dims is the length of a vector.
const Dims = 256

// Vector is what an incident is about: hashed words, label values and templates with signs, scaled so that the largest is 127.
type Vector [Dims]int8

// Shares of what a vector is made of. Each part has length 1 before it is weighed, so that a long message does not drown the name.
const (
	nameShare     = 0.65
	labelShare    = 0.5
	templateShare = 0.45
)

// Weights of labels: what is the same for all instances of one thing says most, what names a single host least.
const (
	serviceWeight = 3.0
	kindWeight    = 1.5
	otherWeight   = 1.0
	hostKind      = 1.0 // web-<n> of web-17
	hostWeight    = 0.4
	nameWeight    = 0.3 // that there is such a label at all
)

// Most of an incident that is looked at.
const (
	maxAlerts = 20
	maxLabels = 50
	maxValue  = 200
)

var (
	serviceLabels = []string{"service", "service_name", "app", "application", "app_kubernetes_io_name", "component", "job", "deployment", "workload", "checker", "integration"}
	kindLabels    = []string{"role", "type", "instance_type", "device", "mountpoint", "mount", "fstype", "interface", "queue", "topic", "database", "db", "cluster", "namespace", "env", "environment", "region", "team", "code", "metric"}
	hostLabels    = []string{"instance", "instance_id", "hostname", "host_name", "host", "node", "server", "pod", "entity", "container", "ip", "address", "service_id"}
	// skipped say nothing of what an alert is about, or say it twice.
	skipped = []string{"alertname", "severity", "priority", "status", "fingerprint", "__name__", "incident_id", "alert_id", "event_id", "trace_id", "incident_number", "urgency"}
	// common words of alerts stand in all of them.
	common = []string{
		"a", "an", "the", "is", "are", "was", "has", "have", "had", "been", "be", "of", "on", "in", "at", "to", "for", "from", "by", "with", "and", "or", "not", "no", "than", "that",
		"this", "it", "its", "as", "alert", "alerts", "alarm", "firing", "problem", "triggered", "warning", "critical", "info", "current", "value", "since", "threshold",
	}
)

// subject is what a vector is made of.
type subject struct {
	title  string // of an incident without alerts
	alerts []subjectAlert
}

type subjectAlert struct {
	name, message string
	labels        map[string]string
}

func subjectOf(i *event.Incident, list []*event.Alert) subject {
	s := subject{}
	if i != nil {
		s.title = i.Title
	}
	for _, a := range list[:min(len(list), maxAlerts)] {
		s.alerts = append(s.alerts, subjectAlert{a.Name, firstOf(a.Description, a.Annotations["description"], a.Annotations["summary"]), a.Labels})
	}
	if len(s.alerts) == 0 && i != nil {
		s.alerts = []subjectAlert{{name: i.Title, message: i.Description}}
	}
	return s
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// vector makes the vector, and the template that is kept beside it for people.
func (s subject) vector() (v Vector, template string) {
	name, labels, message := bag{}, bag{}, bag{}
	for _, a := range s.alerts {
		name.name(a.name)
		labels.labels(a.labels)
		t := Template(a.message)
		message.template(t)
		if template == "" {
			template = t
		}
	}
	var sum [Dims]float64
	name.into(&sum, nameShare)
	labels.into(&sum, labelShare)
	message.into(&sum, templateShare)
	most := 0.0
	for _, x := range sum {
		most = max(most, math.Abs(x))
	}
	if most > 0 {
		for i, x := range sum {
			v[i] = int8(math.Round(x / most * math.MaxInt8))
		}
	}
	return v, template
}

// bag is features with their weights, and how often each was seen.
type bag map[string]*feature

type feature struct {
	weight float64
	n      float64
}

func (b bag) add(key string, weight float64) {
	f := b[key]
	if f == nil {
		f = &feature{weight: weight}
		b[key] = f
	}
	f.n++
}

// into adds a bag, scaled to the length share. How often something is there counts by its logarithm.
func (b bag) into(sum *[Dims]float64, share float64) {
	var own [Dims]float64
	for _, key := range slices.Sorted(maps.Keys(b)) { // in one order, so that sums round alike
		h := fnv.New64a()
		_, _ = h.Write([]byte(key)) // it never fails
		x := h.Sum64()
		w := b[key].weight * (1 + math.Log(b[key].n))
		if x>>63 == 1 {
			w = -w
		}
		own[(x^x>>29)%Dims] += w
	}
	length := 0.0
	for _, x := range own {
		length += x * x
	}
	if length == 0 {
		return
	}
	for i, x := range own {
		sum[i] += share * x / math.Sqrt(length)
	}
}

func (b bag) name(s string) {
	parts := words(s)
	b.add("n:"+strings.Join(parts, " "), 2)
	for _, w := range parts {
		b.add("w:"+w, 1)
	}
}

func (b bag) template(t string) {
	before := ""
	for w := range strings.FieldsSeq(t) {
		if slices.Contains(common, w) || strings.HasPrefix(w, "<") {
			continue
		}
		b.add("m:"+w, 1)
		if before != "" {
			b.add("m:"+before+" "+w, 0.7)
		}
		before = w
	}
}

func (b bag) labels(m map[string]string) {
	seen := 0
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := strings.ToLower(strings.TrimSpace(m[k]))
		if k = strings.ToLower(k); v == "" || slices.Contains(skipped, k) {
			continue
		}
		if seen++; seen > maxLabels {
			return
		}
		if len(v) > maxValue {
			v = v[:maxValue]
		}
		b.add("k:"+k, nameWeight)
		switch {
		case slices.Contains(serviceLabels, k):
			b.add("s:"+v, serviceWeight) // service=api and app=api are the same
		case slices.Contains(kindLabels, k):
			b.add("l:"+k+"="+v, kindWeight)
		case slices.Contains(hostLabels, k):
			b.add("h:"+numberless(v), hostKind)
			b.add("h="+v, hostWeight)
		case masked(v) == "<num>" || masked(v) == "<id>":
			b.add("l:"+k+"="+masked(v), nameWeight)
		default:
			b.add("l:"+k+"="+v, otherWeight)
		}
	}
}

// numberless replaces numbers in the name of a host, which is all that tells it from its like.
func numberless(s string) string {
	if at := strings.LastIndexByte(s, ':'); at > 0 {
		s = s[:at]
	}
	if isAddress(s) {
		return "<ip>"
	}
	var out strings.Builder
	digit := false
	for _, r := range s {
		is := unicode.IsDigit(r)
		switch {
		case is && !digit:
			out.WriteByte('#')
		case !is:
			out.WriteRune(r)
		}
		digit = is
	}
	return out.String()
}

// words splits a name: HighCPULoad-2, high_cpu_load and "high CPU load" are the same words. Numbers are left out.
func words(s string) []string {
	if len(s) > maxMined {
		s = s[:maxMined]
	}
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		for _, w := range camel(part) {
			if w = strings.ToLower(w); !slices.Contains(common, w) && masked(w) == "" && len(out) < maxLabels {
				out = append(out, w)
			}
		}
	}
	if len(out) == 0 {
		return []string{strings.ToLower(s)}
	}
	return out
}

// camel splits diskFull, DiskFull and HTTPErrors.
func camel(s string) []string {
	var out []string
	runes := []rune(s)
	from := 0
	for i := 1; i < len(runes); i++ {
		lowerBefore := unicode.IsLower(runes[i-1]) && unicode.IsUpper(runes[i])
		endOfRun := unicode.IsUpper(runes[i-1]) && unicode.IsUpper(runes[i]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if lowerBefore || endOfRun {
			out = append(out, string(runes[from:i]))
			from = i
		}
	}
	return append(out, string(runes[from:]))
}

func (v *Vector) norm() float64 {
	n := 0
	for _, x := range v {
		n += int(x) * int(x)
	}
	return math.Sqrt(float64(n))
}
