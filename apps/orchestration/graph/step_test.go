package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// play is a run driven by hand; the state goes through JSON before each step, as if read from rows.
type play struct {
	t     *testing.T
	g     *Graph
	s     *State
	vars  Vars
	trace []string // the effects of the last step, decisions left out
	why   []string // all decisions
}

func newPlay(t *testing.T, nodes string) *play {
	t.Helper()
	g, err := Load([]byte(`{"version":"1.0","nodes":[`+nodes+`]}`), Builtin(Known{}))
	if err != nil {
		t.Fatal(err)
	}
	return &play{t: t, g: g, s: NewState()}
}

func (p *play) step(ev Event) *play {
	p.t.Helper()
	raw, err := json.Marshal(p.s)
	if err != nil {
		p.t.Fatal(err)
	}
	p.s = &State{}
	if err := json.Unmarshal(raw, p.s); err != nil {
		p.t.Fatal(err)
	}
	in := Inputs{Vars: func() Vars { return p.vars }, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	effects, err := p.g.Step(context.Background(), p.s, ev, in)
	if err != nil {
		p.t.Fatalf("%T: %v", ev, err)
	}
	p.trace = []string{}
	for _, e := range effects {
		switch e := e.(type) {
		case StartNode:
			plain := ""
			if e.Plain {
				plain = " plain"
			}
			p.trace = append(p.trace, fmt.Sprintf("start %s#%d%s", e.Node, e.Attempt, plain))
		case RetryNode:
			p.trace = append(p.trace, fmt.Sprintf("retry %s#%d after %s", e.Node, e.Attempt, e.After))
		case SkipNode:
			p.trace = append(p.trace, "skip "+e.Node+" "+e.Reason)
		case CancelNode:
			p.trace = append(p.trace, "cancel "+e.Node)
		case ArmDeadline:
			p.trace = append(p.trace, fmt.Sprintf("arm %s %t", e.Node, e.Provider || e.Active))
		case LateOutput:
			p.trace = append(p.trace, "late "+e.Node)
		case FinishRun:
			p.trace = append(p.trace, "finish "+string(e.Status))
		case Decision:
			p.why = append(p.why, e.Node+" "+e.What+": "+e.Why)
		}
	}
	return p
}

func (p *play) ok(node, output string) *play {
	p.t.Helper()
	return p.step(NodeDone{Node: node, Output: json.RawMessage(output)})
}

func (p *play) bad(node string) *play {
	p.t.Helper()
	return p.step(NodeErred{Node: node, Type: "x", Message: "broken", Retryable: false})
}

func (p *play) want(lines ...string) *play {
	p.t.Helper()
	if lines == nil {
		lines = []string{}
	}
	if diff := cmp.Diff(lines, p.trace); diff != "" {
		p.t.Fatalf("effects (-want +got):\n%s", diff)
	}
	return p
}

const (
	fan = `{"id":"in","type":"ingest","next":["a","b"]},{"id":"a","type":"context","next":"tell"},{"id":"b","type":"context","next":"tell"},
		{"id":"tell","type":"notify","config":{"channels":["*"]}%s}`
	chain = `{"id":"in","type":"ingest"},{"id":"look","type":"context"%s},{"id":"think","type":"intelligence","config":{"provider":"active"}%s},
		{"id":"tell","type":"notify","config":{"channels":["*"]}%s}`
)

func TestChain(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, "", "", ""))
	p.step(RunStarted{}).want("start in#1")
	p.ok("in", `{}`).want("start look#1", "arm tell true")
	p.ok("look", `{}`).want("start think#1")
	p.ok("think", `{}`).want("start tell#1")
	p.ok("tell", `{}`).want("finish succeeded")
	if got := p.g.WireStatus(p.s); got != "notified" {
		t.Errorf("wire status %q", got)
	}
}

func TestFanOutAndJoin(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(fan, ""))
	p.step(RunStarted{}).ok("in", `{}`).want("start a#1", "start b#1", "arm tell false")
	p.ok("b", `{}`).want()
	p.ok("a", `{}`).want("start tell#1")
	p = newPlay(t, fmt.Sprintf(fan, `,"join":"any"`))
	p.step(RunStarted{}).ok("in", `{}`).ok("b", `{}`).want("start tell#1")
	p.ok("a", `{}`).want()
	p.ok("tell", `{}`).want("finish succeeded")
}

func TestFoldAnswersBeforeTheRunStarted(t *testing.T) {
	t.Parallel()
	p := newPlay(t, `{"id":"in","type":"ingest"},{"id":"tell","type":"notify","config":{"channels":["*"]}}`)
	p.ok("in", `{"incident_id":"1"}`).want("start tell#1")
	if p.s.Nodes["in"].Attempt != 1 || p.s.Run != RunRunning {
		t.Errorf("state %+v of a run %s", p.s.Nodes["in"], p.s.Run)
	}
}

func TestNotMaterialStopsTheRun(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(fan, ""))
	p.step(RunStarted{}).step(NodeDone{Node: "in", Output: json.RawMessage(`{}`), Stop: ReasonNotMaterial})
	p.want("skip a not_material", "skip b not_material", "skip tell not_material", "finish succeeded")
}

func TestOptionalFailurePassesThrough(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, "", "", ""))
	p.step(RunStarted{}).ok("in", `{}`).bad("look").want("start think#1")
	p.bad("think").want("start tell#1")
	p.ok("tell", `{}`).want("finish succeeded")
	if p.s.Err != nil || !p.s.Nodes["look"].HasErrors() {
		t.Errorf("run error %v, look %+v", p.s.Err, p.s.Nodes["look"])
	}
}

func TestRequiredFailureStillTells(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, `,"required":true`, "", ""))
	p.step(RunStarted{}).ok("in", `{}`).bad("look").want("skip think run_failed", "start tell#1 plain")
	if p.s.Err == nil || p.s.Err.Error() != "Node look failed: broken" || p.s.Run.Final() {
		t.Errorf("run %s, error %v", p.s.Run, p.s.Err)
	}
	p.ok("tell", `{}`).want("finish failed")
	if got := p.g.WireStatus(p.s); got != "failed" {
		t.Errorf("wire status %q", got)
	}
}

func TestRequiredFailureLetsRunningNodesFinish(t *testing.T) {
	t.Parallel()
	nodes := `{"id":"in","type":"ingest","next":["a","b","c"]},{"id":"a","type":"context","required":true,"next":"tell"},
		{"id":"b","type":"context","next":["tell","after"]},{"id":"c","type":"context","next":"tell"},
		{"id":"tell","type":"notify","config":{"channels":["*"]}},{"id":"after","type":"context"}`
	p := newPlay(t, nodes)
	p.step(RunStarted{}).ok("in", `{}`)
	p.step(NodeErred{Node: "c", Message: "m", Retryable: true}).want("retry c#2 after 1.5s")
	p.bad("a").want("cancel c", "start tell#1 plain", "skip after run_failed")
	p.ok("tell", `{}`).want()
	p.ok("b", `{"checks_run":1}`).want("finish failed")
	if st := p.s.Nodes["b"]; st.Status != NodeSucceeded || string(st.Output) != `{"checks_run":1}` {
		t.Errorf("b is not recorded: %+v", st)
	}
	if st := p.s.Nodes["c"]; st.Status != NodeFailed || st.Reason != ReasonRunFailed {
		t.Errorf("c waits on: %+v", st)
	}
}

func TestFailingRunGivesUpWhatIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]Event{"lost": NodeRescued{Node: "b"}, "returned": NodeReturned{Node: "b"}} {
		p := newPlay(t, strings.Replace(fmt.Sprintf(fan, ""), `"id":"a",`, `"id":"a","required":true,`, 1))
		p.step(RunStarted{}).ok("in", `{}`).bad("a").want("start tell#1 plain")
		p.step(ev).want("cancel b")
		if st := p.s.Nodes["b"]; st.Status != NodeFailed || st.Reason != ReasonRunFailed {
			t.Errorf("%s: %+v", name, st)
		}
		p.step(NodeRescued{Node: "tell"}).want("start tell#2 plain")
	}
}

func TestNotifyRetriesInAFailingRun(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, `,"required":true`, "", ""))
	p.step(RunStarted{}).ok("in", `{}`).bad("look")
	p.step(NodeErred{Node: "tell", Message: "m", Retryable: true}).want("retry tell#2 after 1.5s")
	if p.s.Run != RunRetrying || p.g.WireStatus(p.s) != "retrying" {
		t.Errorf("run %s", p.s.Run)
	}
	p.ok("tell", `{}`).want("finish failed")
}

func TestRetriesCountTries(t *testing.T) {
	t.Parallel()
	p := newPlay(t, `{"id":"in","type":"ingest","max_retries":3,"backoff_factor":4}`)
	p.step(RunStarted{})
	p.step(NodeErred{Node: "in", Message: "m", Retryable: true}).want("retry in#2 after 3s")
	if want := time.Date(2026, 1, 1, 0, 0, 3, 0, time.UTC); !p.s.Nodes["in"].DueAt.Equal(want) {
		t.Errorf("due %s, want %s", p.s.Nodes["in"].DueAt, want)
	}
	p.step(NodeErred{Node: "in", Message: "m", Retryable: true, RetryAfter: time.Minute}).want("retry in#3 after 1m0s")
	p.step(NodeReturned{Node: "in"}).want("start in#4")
	p.step(NodeRescued{Node: "in"}).want("start in#5")
	p.step(NodeErred{Node: "in", Message: "m", Retryable: true}).want("finish failed")
	if st := p.s.Nodes["in"]; st.Failures != 3 || st.Rescues != 1 || st.Attempt != 5 {
		t.Errorf("accounts: %+v", st)
	}
	p = newPlay(t, `{"id":"in","type":"ingest","max_retries":9}`)
	p.step(RunStarted{}).bad("in").want("finish failed")
}

func TestPoison(t *testing.T) {
	t.Parallel()
	p := newPlay(t, `{"id":"in","type":"ingest"}`)
	p.step(RunStarted{})
	for i := range maxRescues {
		p.step(NodeRescued{Node: "in"}).want(fmt.Sprintf("start in#%d", i+2))
	}
	p.step(NodeRescued{Node: "in"}).want("finish failed")
	if p.s.Err.Type != ReasonPoison || p.s.Nodes["in"].Failures != 0 {
		t.Errorf("error %+v, node %+v", p.s.Err, p.s.Nodes["in"])
	}
}

func TestBackoffBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		factor   float64
		failures int
		u        float64
		want     time.Duration
	}{
		"first, least": {2, 1, 0, time.Second},
		"first, most":  {2, 1, 1, 2 * time.Second},
		"third":        {2, 3, 0.5, 6 * time.Second},
		"cap":          {2, 20, 1, 10 * time.Minute},
		"overflow":     {60, 5000, 0, 5 * time.Minute},
	} {
		if got := backoff(tt.factor, tt.failures, tt.u); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func TestOwnWhen(t *testing.T) {
	t.Parallel()
	nodes := `{"id":"in","type":"ingest"},{"id":"look","type":"context","when":"severity == 'critical'"},
		{"id":"tell","type":"notify","config":{"channels":["*"]},"when":"in.count > limits.x"}`
	nodes = strings.ReplaceAll(strings.ReplaceAll(nodes, `"in"`, `"begin"`), "in.count > limits.x", "begin.count > alert.limit")
	p := newPlay(t, nodes)
	p.vars = Vars{"severity": "info", "alert": map[string]any{"limit": 3}}
	p.step(RunStarted{}).ok("begin", `{"count":2}`).want("skip look when", "skip tell when", "finish succeeded")

	p = newPlay(t, nodes) // an error in the when of a notify node counts as true
	p.vars = Vars{"severity": "info"}
	p.step(RunStarted{}).ok("begin", `{"count":2}`).want("skip look when", "start tell#1")
	if !slices.ContainsFunc(p.why, func(w string) bool {
		return strings.HasPrefix(w, "tell when: could not be evaluated and counts as true")
	}) {
		t.Errorf("decisions %q", p.why)
	}
}

func TestWhenThatFailsInOtherNodes(t *testing.T) {
	t.Parallel()
	nodes := `{"id":"begin","type":"ingest","next":["look","tell2"]},{"id":"look","type":"context","when":"begin.count > 3"%s,"next":"tell"},
		{"id":"tell","type":"notify","config":{"channels":["*"]}},{"id":"tell2","type":"notify","config":{"channels":["*"]}}`
	p := newPlay(t, fmt.Sprintf(nodes, ""))
	p.step(RunStarted{}).ok("begin", `{}`).want("start tell#1", "start tell2#1")
	p = newPlay(t, fmt.Sprintf(nodes, `,"required":true`))
	p.step(RunStarted{}).ok("begin", `{}`).want("start tell#1 plain", "start tell2#1 plain")
}

func TestEdgeConditions(t *testing.T) {
	t.Parallel()
	p := newPlay(t, `{"id":"begin","type":"ingest","next":[{"to":"a","when":"begin.n > 1"},{"to":"b","when":"begin.n < 1"},{"to":"c","when":"begin.x > 1"}]},
		{"id":"a","type":"context","next":"z"},{"id":"b","type":"context","next":"z"},{"id":"c","type":"context"},{"id":"z","type":"context","next":"end"},{"id":"end","type":"context"}`)
	p.step(RunStarted{}).ok("begin", `{"n":2}`).want("start a#1", "skip b not_reached", "start c#1")
	p.ok("a", `{}`).want("start z#1")
	p = newPlay(t, `{"id":"begin","type":"ingest","next":[{"to":"a","when":"false"}]},{"id":"a","type":"context","next":"b"},{"id":"b","type":"notify","config":{"channels":["*"]}}`)
	p.step(RunStarted{}).ok("begin", `{}`).want("skip a not_reached", "skip b not_reached", "finish succeeded")
}

func TestConditionNode(t *testing.T) {
	t.Parallel()
	nodes := `{"id":"begin","type":"ingest","next":"c"},{"id":"c","type":"condition","config":{"expression":"begin.n > 1","then":"page","else":"mail"},"next":"both"%s},
		{"id":"page","type":"notify","config":{"channels":["*"]}},{"id":"mail","type":"notify","config":{"channels":["*"]}},{"id":"both","type":"context"}`
	p := newPlay(t, fmt.Sprintf(nodes, ""))
	p.step(RunStarted{}).ok("begin", `{"n":2}`).want("start c#1")
	yes, err := p.g.Choose(context.Background(), "c", p.g.Vars(p.s, nil))
	if !yes || err != nil {
		t.Fatalf("choose: %v, %v", yes, err)
	}
	p.ok("c", `{"result":true}`).want("start page#1", "skip mail not_reached", "start both#1")
	p = newPlay(t, fmt.Sprintf(nodes, ""))
	p.step(RunStarted{}).ok("begin", `{"n":0}`).ok("c", `{"result":false}`).want("skip page not_reached", "start mail#1", "start both#1")
	// One that chose nothing leaves both ways open.
	p = newPlay(t, fmt.Sprintf(nodes, `,"when":"false"`))
	p.step(RunStarted{}).ok("begin", `{}`).want("skip c when", "start page#1", "start mail#1", "start both#1")
	p = newPlay(t, fmt.Sprintf(nodes, ""))
	p.step(RunStarted{}).ok("begin", `{}`).bad("c").want("start page#1 plain", "start mail#1 plain", "skip both run_failed")
}

func TestSkipIf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ skip, want string }{
		"errors":         {`,"skip_if_errors":["look"]`, "skip think skip_if:look"},
		"has_errors":     {`,"skip_if_condition":"look.has_errors"`, "skip think skip_if:condition"},
		"has_errors not": {`,"skip_if_condition":"in.has_errors"`, "start think#1"},
		"expression":     {`,"skip_if_condition":"look.has_errors and nodes.look.status == 'failed'"`, "skip think skip_if:condition"},
		"broken":         {`,"skip_if_condition":"look.n > 3"`, "start think#1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, fmt.Sprintf(chain, "", tt.skip, ""))
			p.step(RunStarted{}).ok("in", `{}`).bad("look")
			if p.trace[0] != tt.want {
				t.Errorf("got %q, want %q", p.trace[0], tt.want)
			}
		})
	}
}

func TestEnrichmentDeadline(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, "", "", ""))
	p.step(RunStarted{}).ok("in", `{}`).want("start look#1", "arm tell true")
	p.step(DeadlineExceeded{Node: "tell"}).want("start tell#1 plain")
	p.ok("tell", `{}`).want()
	p.ok("look", `{}`).want("late look", "start think#1")
	p.ok("think", `{}`).want("late think", "finish succeeded")
	if _, err := p.g.Step(context.Background(), p.s, DeadlineExceeded{Node: "tell"}, Inputs{}); !errors.Is(err, ErrStale) {
		t.Errorf("a deadline of a finished run: %v", err)
	}
}

func TestDeadlineBehindTransform(t *testing.T) {
	t.Parallel()
	p := newPlay(t, `{"id":"in","type":"ingest"},{"id":"think","type":"intelligence","config":{"provider":"local"}},
		{"id":"shape","type":"transform","config":{"source_node":"think"}},{"id":"tell","type":"notify","config":{"channels":["*"]}}`)
	p.step(RunStarted{}).want("start in#1")
	p.ok("in", `{}`).want("start think#1", "arm tell false")
	p.step(DeadlineExceeded{Node: "tell"}).want("start shape#1")
	p.ok("shape", `{"transformed":{}}`).want("start tell#1 plain")
	p.bad("think").want()
	p.ok("tell", `{}`).want("finish succeeded")
}
