package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(fan, ""))
	p.step(RunStarted{}).ok("in", `{}`).ok("a", `{}`).step(Canceled{}).want("cancel b", "finish canceled")
	for id, want := range map[string]NodeStatus{"in": NodeSucceeded, "a": NodeSucceeded, "b": NodeCanceled, "tell": NodeCanceled} {
		if got := p.s.Nodes[id].Status; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	for _, ev := range []Event{RunStarted{}, Canceled{}, NodeDone{Node: "b"}, NodeStarted{Node: "b"}} {
		if _, err := p.g.Step(context.Background(), p.s, ev, Inputs{}); !errors.Is(err, ErrStale) {
			t.Errorf("%T after the end: %v, want ErrStale", ev, err)
		}
	}
}

func TestStaleAndUnknown(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(fan, ""))
	p.step(RunStarted{}).ok("in", `{}`)
	before, _ := json.Marshal(p.s)
	for _, ev := range []Event{NodeDone{Node: "in"}, NodeDone{Node: "tell"}, RunStarted{}, Resumed{}} {
		if _, err := p.g.Step(context.Background(), p.s, ev, Inputs{}); !errors.Is(err, ErrStale) {
			t.Errorf("%T: %v, want ErrStale", ev, err)
		}
	}
	if _, err := p.g.Step(context.Background(), p.s, NodeDone{Node: "x"}, Inputs{}); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("unknown node: %v", err)
	}
	if after, _ := json.Marshal(p.s); string(before) != string(after) {
		t.Errorf("the state changed:\n%s\n%s", before, after)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, `,"required":true`, "", `,"max_retries":1`))
	p.step(RunStarted{}).ok("in", `{}`).bad("look").ok("tell", `{}`).want("finish failed")
	p.step(Resumed{}).want("start look#2")
	p.ok("look", `{}`).want("start think#1")
	p.ok("think", `{}`).want("finish succeeded") // what was told stays told
	p.step(Resumed{From: "think"}).want("start think#2", "arm tell true")
	p.ok("think", `{}`).want("start tell#2")
	p.ok("tell", `{}`).want("finish succeeded")
}

func TestWireStatusWalks(t *testing.T) {
	t.Parallel()
	p := newPlay(t, fmt.Sprintf(chain, "", "", `,"max_retries":2`))
	var got []string
	see := func() { got = append(got, p.g.WireStatus(p.s)) }
	see()
	p.step(RunStarted{})
	see()
	for _, id := range []string{"in", "look", "think"} {
		p.step(NodeStarted{Node: id}).ok(id, `{}`)
		see()
	}
	p.step(NodeErred{Node: "tell", Retryable: true})
	see()
	p.ok("tell", `{}`)
	see()
	want := []string{"pending", "pending", "ingested", "checked", "analyzed", "retrying", "notified"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("walk (-want +got):\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	g, err := Load([]byte(example), Builtin(Known{}))
	if err != nil {
		t.Fatal(err)
	}
	d := g.Describe()
	var got []string
	for _, n := range d.Nodes {
		got = append(got, fmt.Sprintf("%s %d/%d", n.ID, n.Layer, n.Row))
	}
	want := []string{"ingest 0/0", "health 1/0", "history 1/1", "analyze 2/0", "top 3/0", "worse 4/0", "page 5/0", "mail 5/1", "mail2 6/0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	edges := []DrawnEdge{{"worse", "page", "then"}, {"worse", "mail", "else"}, {"page", "mail2", "page.channels_failed > 0"}}
	if diff := cmp.Diff(edges, d.Edges[len(d.Edges)-3:]); diff != "" || d.Layers != 7 || d.Rows != 2 {
		t.Errorf("%d layers of %d, edges (-want +got):\n%s", d.Layers, d.Rows, diff)
	}
}

func TestDiscardingRouteRunsNothing(t *testing.T) {
	t.Parallel()
	g, err := Load([]byte(`{"version":"1.0","trigger":{"discard":true}}`), Builtin(Known{}))
	if err != nil {
		t.Fatal(err)
	}
	s := NewState()
	effects, err := g.Step(context.Background(), s, RunStarted{}, Inputs{})
	if err != nil || s.Run != RunSucceeded || len(effects) != 1 || g.Entry() != nil {
		t.Errorf("run %s, effects %v, %v", s.Run, effects, err)
	}
}

func BenchmarkStepDirect(b *testing.B) {
	g, err := Load([]byte(`{"version":"1.0","nodes":[{"id":"in","type":"ingest"},{"id":"tell","type":"notify","config":{"channels":["*"]}}]}`), Builtin(Known{}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s := NewState()
		for _, ev := range []Event{NodeDone{Node: "in"}, NodeDone{Node: "tell"}} {
			if _, err := g.Step(context.Background(), s, ev, Inputs{}); err != nil {
				b.Fatal(err)
			}
		}
		if s.Run != RunSucceeded {
			b.Fatal(s.Run)
		}
	}
}
