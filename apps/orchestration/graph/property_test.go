package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// plan is a random pipeline with the outcome of every node drawn in advance.
type plan struct {
	text     string
	g        *Graph
	tries    map[string]int  // failures before the end
	ends     map[string]bool // ends well after them
	choice   map[string]bool
	required bool // whether nodes may be required
}

func drawPlan(t *rapid.T, optional bool) *plan {
	n := rapid.IntRange(1, 10).Draw(t, "nodes")
	p := &plan{tries: map[string]int{}, ends: map[string]bool{}, choice: map[string]bool{}, required: !optional}
	next := make([][]string, n)
	kinds := make([]string, n)
	for i := range n {
		kinds[i] = rapid.SampledFrom([]string{"context", "intelligence", "transform", "notify", "condition"}).Draw(t, "kind")
		if i == n-1 && kinds[i] == "condition" {
			kinds[i] = "notify"
		}
	}
	kinds[0] = "ingest"
	for to := 1; to < n; to++ {
		froms := rapid.SliceOfNDistinct(rapid.IntRange(0, to-1), 1, min(to, 3), rapid.ID[int]).Draw(t, "from")
		for _, from := range froms {
			next[from] = append(next[from], fmt.Sprintf("n%d", to))
		}
	}
	var nodes []string
	for i := range n {
		if kinds[i] == "condition" && len(next[i]) == 0 {
			kinds[i] = "context"
		}
		nodes = append(nodes, p.drawNode(t, i, kinds[i], next[i]))
	}
	p.text = `{"version":"1.0","nodes":[` + strings.Join(nodes, ",\n") + `]}`
	g, err := Load([]byte(p.text), Builtin(Known{}))
	if err != nil {
		t.Fatalf("%v\n%s", err, p.text)
	}
	p.g = g
	return p
}

func (p *plan) drawNode(t *rapid.T, i int, kind string, next []string) string {
	id := fmt.Sprintf("n%d", i)
	p.tries[id] = rapid.IntRange(0, 2).Draw(t, "tries")
	p.ends[id] = rapid.IntRange(0, 3).Draw(t, "ends") > 0
	p.choice[id] = rapid.Bool().Draw(t, "choice")
	links := []string{}
	config := "{}"
	switch kind {
	case "notify":
		config = `{"channels":["*"]}`
	case "intelligence":
		config = `{"provider":"local"}`
	case "transform":
		config = `{"source_node":"n0"}`
	case "condition":
		cut := rapid.IntRange(0, len(next)).Draw(t, "cut")
		then, _ := json.Marshal(next[:cut])
		other, _ := json.Marshal(next[cut:])
		config, next = fmt.Sprintf(`{"expression":"true","then":%s,"else":%s}`, then, other), nil
	}
	for _, to := range next {
		when := rapid.SampledFrom([]string{"", `,"when":"false"`, `,"when":"true"`, `,"when":"alert.none.none"`}).Draw(t, "when")
		links = append(links, fmt.Sprintf(`{"to":%q%s}`, to, when))
	}
	more := rapid.SampledFrom([]string{"", "", `,"join":"any"`, `,"when":"true"`, `,"when":"1 == 2"`}).Draw(t, "more")
	if !p.required {
		more += `,"required":false`
	} else if rapid.Bool().Draw(t, "required") {
		more += `,"required":true`
	}
	return fmt.Sprintf(`{"id":%q,"type":%q,"config":%s,"next":[%s],"max_retries":2%s}`, id, kind, config, strings.Join(links, ","), more)
}

// drive runs the plan to its end, taking what is under way in the order that pick chooses, and checks on the way what must
// always hold. extra may send an event of its own instead.
func (p *plan) drive(t *rapid.T, pick func(n int) int, extra func(s *State) Event) *State {
	s := NewState()
	active, finished := []string{}, 0
	apply := func(ev Event) {
		before := finals(s)
		effects, err := p.g.Step(context.Background(), s, ev, Inputs{Vars: func() Vars { return Vars{} }})
		if err != nil {
			t.Fatalf("%T %+v: %v\n%s", ev, ev, err, p.text)
		}
		for _, e := range effects {
			switch e := e.(type) {
			case StartNode:
				p.checkStart(t, s, e)
				if !slices.Contains(active, e.Node) {
					active = append(active, e.Node)
				}
			case RetryNode:
				active = append(active, e.Node)
			case CancelNode:
				active = slices.DeleteFunc(active, func(id string) bool { return id == e.Node })
			case FinishRun:
				finished++
			}
		}
		for id, status := range before {
			if s.Nodes[id].Status != status {
				t.Fatalf("%s went from %s to %s\n%s", id, status, s.Nodes[id].Status, p.text)
			}
		}
	}
	apply(RunStarted{})
	for steps := 0; len(active) > 0; steps++ {
		if steps > 1000 {
			t.Fatalf("the run does not end\n%s", p.text)
		}
		if ev := extra(s); ev != nil {
			apply(ev)
			continue
		}
		i := pick(len(active))
		id := active[i]
		active = slices.Delete(active, i, i+1)
		apply(p.outcome(s, id))
	}
	if finished != 1 || !s.Run.Final() {
		t.Fatalf("finished %d times, run is %s\n%s", finished, s.Run, p.text)
	}
	for _, n := range p.g.Nodes {
		if !s.Nodes[n.ID].Status.Final() {
			t.Fatalf("%s ends as %s\n%s", n.ID, s.Nodes[n.ID].Status, p.text)
		}
	}
	if s.Run != RunCanceled && (s.Run == RunFailed) != (s.Err != nil) {
		t.Fatalf("run %s with error %v", s.Run, s.Err)
	}
	return s
}

func (p *plan) outcome(s *State, id string) Event {
	if s.Nodes[id].Failures < p.tries[id] {
		return NodeErred{Node: id, Type: "x", Message: "m", Retryable: true}
	}
	if !p.ends[id] {
		return NodeErred{Node: id, Type: "x", Message: "m"}
	}
	return NodeDone{Node: id, Output: json.RawMessage(fmt.Sprintf(`{"result":%t}`, p.choice[id]))}
}

// checkStart holds that a join waits: outside of a failing run every way into a started node is decided, or one is taken.
func (p *plan) checkStart(t *rapid.T, s *State, e StartNode) {
	n, _ := p.g.Node(e.Node)
	taken, open := 0, 0
	for _, in := range n.in {
		from := s.Nodes[p.g.Nodes[in.from].ID]
		switch {
		case !from.Status.Final() && !from.Passed:
			open++
		case slices.Contains(from.Taken, e.Node):
			taken++
		}
	}
	if len(n.in) > 0 && (taken == 0 || (open > 0 && !n.JoinAny)) {
		t.Fatalf("%s starts with %d ways taken and %d open\n%s", e.Node, taken, open, p.text)
	}
	if s.Err != nil && !n.Spec.Notifies {
		t.Fatalf("%s starts in a failing run\n%s", e.Node, p.text)
	}
	if st := s.Nodes[e.Node]; st.Failures >= n.MaxTries {
		t.Fatalf("%s starts after %d failures\n%s", e.Node, st.Failures, p.text)
	}
}

func finals(s *State) map[string]NodeStatus {
	out := map[string]NodeStatus{}
	for id, n := range s.Nodes {
		if n.Status.Final() {
			out[id] = n.Status
		}
	}
	return out
}

func nothing(*State) Event { return nil }

// TestAnyOrderGivesTheSame: without required failures the result does not depend on the order in which nodes end.
func TestAnyOrderGivesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, true)
		first := p.drive(t, func(int) int { return 0 }, nothing)
		other := p.drive(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }, nothing)
		if diff := cmp.Diff(outcomes(first), outcomes(other)); diff != "" {
			t.Fatalf("in another order (-first +other):\n%s\n%s", diff, p.text)
		}
		if first.Run != RunSucceeded {
			t.Fatalf("run %s without required nodes", first.Run)
		}
	})
}

// outcomes drops what may depend on the order: whether a notify node had to wait for enrichment only.
func outcomes(s *State) *State {
	for _, n := range s.Nodes {
		slices.Sort(n.Taken)
		n.Armed = false
	}
	return s
}

// TestEveryRunEnds: with required failures, lost workers, deadlines and cancellations every run ends, once.
func TestEveryRunEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, false)
		trouble := rapid.IntRange(0, 20).Draw(t, "trouble")
		canceled := false
		p.drive(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }, func(s *State) Event {
			if trouble == 0 || canceled {
				return nil
			}
			trouble--
			n := p.g.Nodes[rapid.IntRange(0, len(p.g.Nodes)-1).Draw(t, "node")]
			st := s.Nodes[n.ID].Status
			underWay := st == NodeReady || st == NodeRunning || st == NodeRetrying
			switch rapid.IntRange(0, 15).Draw(t, "what") {
			case 0:
				canceled = true
				return Canceled{}
			case 1, 2, 3, 4:
				if n.Spec.Notifies && st == NodeWaiting {
					return DeadlineExceeded{Node: n.ID}
				}
			case 5, 6:
				if underWay && s.Nodes[n.ID].Rescues < maxRescues {
					return NodeRescued{Node: n.ID}
				}
			case 7, 8:
				if underWay {
					return NodeStarted{Node: n.ID}
				}
			}
			return nil
		})
	})
}

// TestNothingSilencesANotification: a notify node is left out only by a condition of the definition, never by a failure
// or by slow enrichment.
func TestNothingSilencesANotification(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, false)
		s := p.drive(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }, nothing)
		for _, n := range p.g.Nodes {
			if st := s.Nodes[n.ID]; n.Spec.Notifies && st.Status == NodeSkipped && st.Reason != ReasonWhen && st.Reason != ReasonNotReached {
				t.Fatalf("%s was silenced: %s\n%s", n.ID, st.Reason, p.text)
			}
		}
	})
}

// TestStateSurvivesRows: a run whose state is written and read again between the steps ends like one that is not.
func TestStateSurvivesRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, false)
		kept := p.drive(t, func(int) int { return 0 }, nothing)
		stored := p.drive(t, func(int) int { return 0 }, func(s *State) Event {
			raw, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			*s = State{}
			if err := json.Unmarshal(raw, s); err != nil {
				t.Fatal(err)
			}
			return nil
		})
		if diff := cmp.Diff(kept, stored); diff != "" {
			t.Fatalf("stored (-kept +stored):\n%s", diff)
		}
	})
}
