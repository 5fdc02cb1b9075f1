package graph

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const diffBase = `{"version":"1.0","description":"d","trigger":{"sources":["prod"],"match":[{"field":"severity","op":"is","value":"critical"}],"priority":100},
	"defaults":{"max_retries":3},"nodes":[{"id":"in","type":"ingest","next":["a/b~","tell"]},{"id":"a/b~","type":"context","config":{"timeout":3}},
	{"id":"tell","type":"notify","config":{"channels":["ops","dev"]}}]}`

func TestDiff(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, tt := range map[string]struct {
		from, to string
		want     Difference
	}{
		"the same in other words": {
			diffBase, `{"nodes":[{"type":"ingest","id":"in","next":["a/b~","tell"]},{"id":"a/b~","type":"context","config":{"timeout":3.0}},
				{"config":{"channels":["ops","dev"]},"id":"tell","type":"notify"}],"defaults":{"max_retries":3},
				"trigger":{"priority":1e2,"sources":["prod"],"match":[{"op":"is","field":"severity","value":"critical"}]},"description":"d","version":"1.0"}`,
			Difference{Same: true},
		},
		"all at once": {
			diffBase, `{"version":"1.1","trigger":{"sources":["*"],"match":[{"field":"severity","op":"is-not","value":"critical"}],"priority":100,"when":"1 < 2"},
				"nodes":[{"id":"in","type":"ingest","next":["tell","log"]},{"id":"log","type":"transform"},
				{"id":"tell","type":"notify","config":{"channels":["dev"]},"required":false}]}`,
			Difference{
				NodesAdded:   []DiffNode{{"log", "transform", "/nodes/1", raw(`{"id":"log","type":"transform"}`)}},
				NodesRemoved: []DiffNode{{"a/b~", "context", "/nodes/1", raw(`{"config":{"timeout":3},"id":"a/b~","type":"context"}`)}},
				NodesChanged: []NodeChange{
					{"in", "ingest", "/nodes/0", []Change{{ChangeChanged, "/nodes/0/next", raw(`["a/b~","tell"]`), raw(`["tell","log"]`)}}},
					{"tell", "notify", "/nodes/2", []Change{
						{ChangeChanged, "/nodes/2/config/channels", raw(`["ops","dev"]`), raw(`["dev"]`)},
						{ChangeAdded, "/nodes/2/required", nil, raw(`false`)},
					}},
				},
				Trigger: []Change{
					{ChangeChanged, "/trigger/match/0/op", raw(`"is"`), raw(`"is-not"`)},
					{ChangeChanged, "/trigger/sources", raw(`["prod"]`), raw(`["*"]`)},
					{ChangeAdded, "/trigger/when", nil, raw(`"1 < 2"`)},
				},
				Defaults: []Change{{ChangeRemoved, "/defaults", raw(`{"max_retries":3}`), nil}},
				Other: []Change{
					{ChangeRemoved, "/description", raw(`"d"`), nil},
					{ChangeChanged, "/version", raw(`"1.0"`), raw(`"1.1"`)},
				},
			},
		},
		"another index is no change, a pointer leads into its own text": {
			`{"nodes":[{"id":"x"},{"id":"a","when":"t","config":{"m/n":1}}]}`, `{"nodes":[{"id":"a","config":{"m/n":2}}]}`,
			Difference{
				NodesRemoved: []DiffNode{{"x", "", "/nodes/0", raw(`{"id":"x"}`)}},
				NodesChanged: []NodeChange{{"a", "", "/nodes/0", []Change{
					{ChangeChanged, "/nodes/0/config/m~1n", raw(`1`), raw(`2`)}, {ChangeRemoved, "/nodes/1/when", raw(`"t"`), nil},
				}}},
			},
		},
		"another order": {
			`{"nodes":[{"id":"a"},{"id":"b"},{"id":"c"}]}`, `{"nodes":[{"id":"b"},{"id":"new"},{"id":"a"},{"id":"c"}]}`,
			Difference{
				NodesAdded: []DiffNode{{"new", "", "/nodes/1", raw(`{"id":"new"}`)}},
				Other:      []Change{{ChangeMoved, "/nodes", raw(`["a","b","c"]`), raw(`["b","a","c"]`)}},
			},
		},
		"nodes that cannot be told apart": {
			`{"nodes":[{"id":"a"},{"id":"a"}]}`, `{"nodes":[{"id":"a"},{}]}`,
			Difference{Other: []Change{{ChangeRemoved, "/nodes/1/id", raw(`"a"`), nil}}},
		},
		"nodes that are none": {
			`{"nodes":7}`, `{"nodes":[3]}`, Difference{Other: []Change{{ChangeChanged, "/nodes", raw(`7`), raw(`[3]`)}}},
		},
		"the first trigger": {
			`{}`, `{"trigger":null,"nodes":[]}`, Difference{Trigger: []Change{{ChangeAdded, "/trigger", nil, raw(`null`)}}},
		},
		"a value of another kind": {
			`{"defaults":{"a":[1,{"b":1}],"c":{}}}`, `{"defaults":{"a":[1,{"b":[]}],"c":[]}}`,
			Difference{Defaults: []Change{
				{ChangeChanged, "/defaults/a/1/b", raw(`1`), raw(`[]`)}, {ChangeChanged, "/defaults/c", raw(`{}`), raw(`[]`)},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Diff([]byte(tt.from), []byte(tt.to))
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range []*[]Change{&tt.want.Trigger, &tt.want.Defaults, &tt.want.Other} {
				if *list == nil {
					*list = []Change{} // on the wire a list is never null
				}
			}
			if tt.want.NodesAdded == nil {
				tt.want.NodesAdded = []DiffNode{}
			}
			if tt.want.NodesRemoved == nil {
				tt.want.NodesRemoved = []DiffNode{}
			}
			if tt.want.NodesChanged == nil {
				tt.want.NodesChanged = []NodeChange{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for name, docs := range map[string][2]string{
		"no JSON": {`{`, `{}`}, "a list": {`{}`, `[]`}, "null": {`null`, `{}`}, "a key twice": {`{}`, `{"a":1,"a":2}`}, "nothing": {``, ``},
	} {
		if d, err := Diff([]byte(docs[0]), []byte(docs[1])); err == nil {
			t.Errorf("%s: %+v, want an error", name, d)
		}
	}
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(diffBase), []byte(example))
	f.Add([]byte(`{"nodes":[{"id":"a"},null]}`), []byte(`{"nodes":{"id":1e999}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		there, err := Diff(a, b)
		if err != nil {
			return
		}
		back, err := Diff(b, a)
		if err != nil || there.Same != back.Same || len(there.NodesAdded) != len(back.NodesRemoved) || len(there.NodesChanged) != len(back.NodesChanged) {
			t.Errorf("there %+v, back %+v, %v", there, back, err)
		}
	})
}
