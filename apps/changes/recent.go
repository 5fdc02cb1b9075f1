package changes

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// recentMost is how many changes of a window are looked at, the newest.
const recentMost = listStep

// skew is how much later than the incident a change may seem to have been made: clocks differ.
const skew = time.Minute

// serviceLabels name what an alert or a change is about; hostLabels where it is; placeLabels which of several worlds it is in.
var (
	serviceLabels = []string{"service", "service_name", "app", "application", "app_kubernetes_io_name", "component", "job", "deployment", "workload"}
	hostLabels    = []string{"instance", "instance_id", "hostname", "host_name", "host", "node", "server", "pod"}
	placeLabels   = []string{"env", "environment", "stage", "cluster", "region", "datacenter", "dc", "namespace", "tenant"}
)

// About is the incident whose changes are looked for.
type About struct {
	Began  time.Time
	Window time.Duration
	Labels []map[string]string // of its alerts
	Limit  int
}

// Recent is a change shortly before an incident.
type Recent struct {
	Change
	Match []string // why it may have to do with it: "service", "host", names of labels; empty: only the time
	// Elsewhere says that it was made in another place than the incident's, such as another cluster.
	Elsewhere bool
}

// Before finds what was changed in the window before an incident began: what is about the same service first, then the same host, then
// what shares labels, then the rest, and last what was made in another place; newest first among equals.
func (s *Service) Before(ctx context.Context, tenant string, a About) ([]Recent, error) {
	if a.Limit <= 0 || a.Window <= 0 {
		return []Recent{}, nil
	}
	rows, err := s.page(ctx, tenant, Filter{Since: a.Began.Add(-a.Window), Until: a.Began.Add(skew)}, time.Time{}, id.ID{})
	if err != nil {
		return nil, err
	}
	type ranked struct {
		Recent
		score int
	}
	about := readLabels(a.Labels)
	found := make([]ranked, 0, min(len(rows), recentMost))
	for _, c := range rows {
		r := ranked{Recent: Recent{Change: c}}
		r.score = about.compare(&r.Recent)
		found = append(found, r)
	}
	slices.SortStableFunc(found, func(x, y ranked) int { return cmp.Or(cmp.Compare(y.score, x.score), y.At.Compare(x.At)) })
	out := make([]Recent, 0, a.Limit)
	for _, r := range found[:min(len(found), a.Limit)] {
		out = append(out, r.Recent)
	}
	return out, nil
}

// labelled is what the labels of some alerts say.
type labelled struct {
	services map[string]bool
	hosts    map[string]bool
	all      map[string]map[string]bool // name to values
}

func readLabels(list []map[string]string) labelled {
	l := labelled{services: map[string]bool{}, hosts: map[string]bool{}, all: map[string]map[string]bool{}}
	for _, labels := range list {
		for k, v := range labels {
			v = fold(v)
			if v == "" {
				continue
			}
			if l.all[k] == nil {
				l.all[k] = map[string]bool{}
			}
			l.all[k][v] = true
			if slices.Contains(serviceLabels, k) {
				l.services[v] = true
			}
			if slices.Contains(hostLabels, k) {
				l.hosts[host(v)] = true
			}
		}
	}
	return l
}

// Scores of what a change and an incident have in common.
const (
	sameService = 100
	sameHost    = 50
	sameLabel   = 5
	otherPlace  = -1000
)

// compare scores a change and notes what it shares.
func (l labelled) compare(r *Recent) (score int) {
	add := func(why string, n int) {
		if !slices.Contains(r.Match, why) {
			r.Match = append(r.Match, why)
			score += n
		}
	}
	if l.services[fold(r.Service)] {
		add("service", sameService)
	}
	for _, k := range sortedKeys(r.Labels) {
		v := fold(r.Labels[k])
		switch {
		case v == "":
		case slices.Contains(serviceLabels, k) && l.services[v]:
			add("service", sameService)
		case slices.Contains(hostLabels, k) && l.hosts[host(v)]:
			add("host", sameHost)
		case l.all[k][v]:
			add(k, sameLabel)
		case slices.Contains(placeLabels, k) && len(l.all[k]) > 0:
			r.Elsewhere = true
		}
	}
	if r.Elsewhere {
		score += otherPlace
	}
	return score
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// host is a name without its port.
func host(s string) string {
	if at := strings.LastIndexByte(s, ':'); at > 0 && !strings.Contains(s[:at], ":") {
		return s[:at]
	}
	return s
}
