//go:build linux

package inject

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

// Fault is one class of faults, or a control.
type Fault struct {
	Name   string
	Type   string // "control" of controls
	Root   bool   // it can be made by root only
	titles []string
	static [2]int // MiB of the big process that is no culprit
	make   func(ctx context.Context, s *Stage) (Scene, error)
}

// Scene is a fault that stands.
type Scene struct {
	Truths []score.Truth     // none: a control
	Target map[string]string // labels that say what is watched, where nothing on the host could
	Space  *Namespace        // where the analyzer is to run; nil: here
	Settle time.Duration     // until it can be seen
}

// Incident is what the analyzer is told.
type Incident struct {
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Severity    string            `json:"severity"`
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Alerts      []Alert           `json:"alerts"`
}

// Alert is one of an Incident.
type Alert struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Severity    string            `json:"severity"`
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
}

// All are the classes in the order of the table.
func All() []Fault {
	var all []Fault
	for _, of := range [][]Fault{cpuFaults(), memoryFaults(), diskFaults(), processFaults(), networkFaults(), controls()} {
		all = append(all, of...)
	}
	return all
}

// Standing is a fault with normal load beside it and the two ways to tell of it.
type Standing struct {
	Scene
	Typed, Vague Incident

	stage *Stage
	cast  []*Actor
}

// Make makes the fault on a stage. Where it begins, normal load runs already.
func (f Fault) Make(ctx context.Context, s *Stage) (*Standing, error) {
	low, high := 200, 500
	if f.static[1] > 0 {
		low, high = f.static[0], f.static[1]
	}
	port, err := s.normal(ctx, int64(s.between(low, high))<<20)
	if err != nil {
		return nil, fmt.Errorf("normal load: %w", err)
	}
	first := len(s.actors)
	scene, err := f.make(ctx, s)
	if err != nil {
		return nil, err
	}
	if scene.Settle == 0 {
		scene.Settle = 4 * time.Second
	}
	where := pick(s.rand, s.Host, s.Host, s.Host+":"+strconv.Itoa(port))
	labels := map[string]string{pick(s.rand, "instance", "instance", "hostname"): where}
	maps.Copy(labels, scene.Target)
	st := &Standing{Scene: scene, stage: s, cast: s.actors[first:]}
	st.Typed = incident(pick(s.rand, f.titles...)+" on "+s.Host, "The monitoring raised this alert a minute ago.", labels)
	st.Vague = incident(pick(s.rand, "host unhealthy", "Host unhealthy", s.Host+" is unhealthy", "Something is wrong with "+s.Host),
		pick(s.rand, "", "Please have a look.", "Users complain."), labels)
	return st, nil
}

func incident(title, description string, labels map[string]string) Incident {
	const severity, status = "critical", "firing"
	alert := Alert{Name: title, Description: description, Severity: severity, Status: status, Labels: labels}
	return Incident{title, description, severity, "open", labels, []Alert{alert}}
}

// Lasts says whether all who make the fault are still there.
func (st *Standing) Lasts() error {
	for _, a := range st.cast {
		if !a.alive() {
			return fmt.Errorf("%s (pid %d) ended by itself: the fault did not last", a.Name, a.PID)
		}
	}
	return nil
}

// normal is the load beside each fault: a small web server with a client, a big process that does nothing, a steady log, idle ones. The
// server listens on port, as what reports on a host does.
func (s *Stage) normal(ctx context.Context, static int64) (port int, err error) {
	if port, err = s.port(ctx); err != nil {
		return 0, err
	}
	logs, err := s.dir("log")
	if err != nil {
		return 0, err
	}
	roles := []play.Role{
		{Kind: "web", Address: ":" + strconv.Itoa(port)},
		{Kind: "client", Address: "http://" + local(port) + "/", Every: s.some(40*time.Millisecond, 120*time.Millisecond)},
		{Kind: "static", Bytes: static},
		{Kind: "log", Path: filepath.Join(logs, s.name()+".log"), Every: s.some(20*time.Millisecond, 80*time.Millisecond)},
	}
	for range s.between(2, 5) {
		roles = append(roles, play.Role{Kind: "idle"})
	}
	for _, r := range roles {
		if _, err := s.start(s.name(), r, how{}); err != nil {
			return 0, err
		}
	}
	return port, nil
}

// actor is one with a new name.
func (s *Stage) actor(r play.Role) (*Actor, error) { return s.start(s.name(), r, how{}) }

// truth is one whose culprit is a process.
func (a *Actor) truth(kind string, cause ...string) score.Truth {
	return score.Truth{Type: kind, PIDs: []int{a.PID}, Names: []string{a.Name}, Paths: []string{a.Program}, Cause: cause}
}

func of(truths ...score.Truth) Scene { return Scene{Truths: truths} }
