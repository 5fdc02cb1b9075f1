package score

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// zombies is a fault whose culprit is a process, full one whose culprit is a directory.
func zombies() Truth {
	return Truth{Type: "process", PIDs: []int{4711}, Names: []string{"orderapi"}, Paths: []string{"/srv/bin/orderapi"}, Cause: []string{`zombie|defunct`}}
}

func full() Truth {
	return Truth{Type: "disk", Dirs: []string{"/mnt/data/spool"}, Cause: []string{`full|fill`}}
}

func rec(kind, title, culprit string, actions ...string) Recommendation {
	r := Recommendation{Type: kind, Priority: "high", Title: title, Actions: actions}
	if culprit != "" {
		r.Details = map[string]json.RawMessage{"culprit": json.RawMessage(culprit)}
	}
	return r
}

const look = "ps -o pid,stat,args -p 4711"

func TestJudge(t *testing.T) {
	t.Parallel()
	right := rec("process", "12 zombies of orderapi", `{"kind":"process","pid":4711}`, look)
	wrong := rec("cpu", "redis is busy", `{"kind":"process","pid":99,"name":"redis"}`, "ps -p 99")
	known := []string{"orderapi", "redis", "sh"}
	for name, tt := range map[string]struct {
		truth Truth
		recs  []Recommendation
		want  Marks
	}{
		"all five":          {zombies(), []Recommendation{right, wrong}, Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true}},
		"second":            {zombies(), []Recommendation{wrong, right}, Marks{Points: 4, Rank: 2, Cause: true, Type: true, Action: true}},
		"third":             {zombies(), []Recommendation{wrong, wrong, right}, Marks{Points: 4, Rank: 3, Cause: true, Type: true, Action: true}},
		"fourth is none":    {zombies(), []Recommendation{wrong, wrong, wrong, right}, Marks{}},
		"nothing":           {zombies(), nil, Marks{}},
		"wrong type":        {zombies(), []Recommendation{rec("cpu", "zombies", `{"kind":"process","pid":4711}`, look)}, Marks{Points: 4, Rank: 1, Cause: true, Action: true}},
		"no cause":          {zombies(), []Recommendation{rec("process", "orderapi is strange", `{"kind":"process","pid":4711}`, look)}, Marks{Points: 4, Rank: 1, Type: true, Action: true}},
		"no action":         {zombies(), []Recommendation{rec("process", "zombies", `{"kind":"process","pid":4711}`, "Look at process 4711 with care")}, Marks{Points: 4, Rank: 1, Cause: true, Type: true}},
		"action of another": {zombies(), []Recommendation{rec("process", "zombies", `{"kind":"process","pid":4711}`, "ps -p 47110")}, Marks{Points: 4, Rank: 1, Cause: true, Type: true}},
		"cause and type of an unblamed first": {
			zombies(), []Recommendation{rec("process", "zombies", `{"kind":"process","pid":98}`, "ps -p 98")}, Marks{Points: 2, Cause: true, Type: true},
		},
		"kill before a look": {
			zombies(),
			[]Recommendation{rec("process", "zombies", `{"kind":"process","pid":4711}`, "kill 4711", look)},
			Marks{Points: 4, Rank: 1, Cause: true, Type: true, Dangers: []string{"ends before it looks: kill 4711"}},
		},
		"kill after a look": {
			zombies(),
			[]Recommendation{rec("process", "zombies", `{"kind":"process","pid":4711}`, look, "kill 4711")},
			Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true},
		},
		"danger elsewhere is told and costs nothing here": {
			zombies(),
			[]Recommendation{right, rec("disk", "full", `{"path":"/var"}`, "rm -rf /var/log")},
			Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true, Dangers: []string{"recursive rm: rm -rf /var/log"}},
		},
		"by name": {zombies(), []Recommendation{rec("process", "zombies", `{"kind":"process","name":"orderapi"}`, look)}, Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true}},
		"right name, wrong pid": {
			zombies(), []Recommendation{rec("process", "zombies", `{"kind":"process","name":"orderapi","pid":12}`, look)}, Marks{Points: 3, Cause: true, Type: true, Action: true},
		},
		"a list of suspects": {
			zombies(), []Recommendation{rec("process", "zombies", `[{"pid":4711},{"pid":12}]`, look)}, Marks{Points: 3, Cause: true, Type: true, Action: true},
		},
		"a list of one": {zombies(), []Recommendation{rec("process", "zombies", `[{"pid":4711}]`, look)}, Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true}},
		"pid in the text": {
			zombies(), []Recommendation{rec("process", "zombies below PID 4711", "", look)}, Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true},
		},
		"name in the text": {
			zombies(), []Recommendation{rec("process", "orderapi has zombies, not redis", "", look)}, Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true},
		},
		"another named first": {
			zombies(), []Recommendation{rec("process", "redis beside zombies of orderapi (pid 4711)", "", look)}, Marks{Points: 3, Cause: true, Type: true, Action: true},
		},
		"many pids in the text": {
			zombies(), []Recommendation{rec("process", "zombies: pid 4711, pid 2, pid 3, pid 4, pid 5, pid 6", "", look)}, Marks{Points: 3, Cause: true, Type: true, Action: true},
		},
		"details.culprit before the text": {
			zombies(), []Recommendation{rec("process", "zombies of pid 4711", `{"pid":99}`, look)}, Marks{Points: 3, Cause: true, Type: true, Action: true},
		},
		"directory": {
			full(),
			[]Recommendation{rec("disk", "almost full", `{"kind":"path","path":"/mnt/data/spool/"}`, "du -xsh /mnt/data/spool")},
			Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true},
		},
		"file in the directory": {
			full(),
			[]Recommendation{rec("disk", "full", `{"kind":"path","path":"/mnt/data/spool/a"}`, "ls /mnt/data/spool/a")},
			Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true},
		},
		"only its mount": {
			full(), []Recommendation{rec("disk", "full", `{"kind":"mount","path":"/mnt/data"}`, "df /mnt/data")}, Marks{Points: 2, Cause: true, Type: true},
		},
		"path in the text": {
			full(),
			[]Recommendation{rec("disk", "Full: /mnt/data/spool.", "", "Find more: `du -x /mnt/data/spool | sort -n`")},
			Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true},
		},
		"a neighbour": {
			full(), []Recommendation{rec("disk", "full", `{"path":"/mnt/data/spool2"}`, "du /mnt/data/spool2")}, Marks{Points: 2, Cause: true, Type: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Judge(Result{Recommendations: tt.recs}, []Truth{tt.truth}, known)
			if len(tt.recs) > 0 {
				tt.want.First = tt.recs[0].Title
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJudgeOtherCulprits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		truth   Truth
		culprit string
		want    bool
	}{
		"port":                  {Truth{Ports: []int{8080}}, `{"kind":"endpoint","address":"127.0.0.1:8080"}`, true},
		"port of IPv6":          {Truth{Ports: []int{8080}}, `{"kind":"endpoint","address":"[::1]:8080"}`, true},
		"another port":          {Truth{Ports: []int{8080}}, `{"kind":"endpoint","address":"127.0.0.1:18080"}`, false},
		"endpoint and process":  {Truth{Ports: []int{8080}, PIDs: []int{5}}, `{"kind":"endpoint","address":"127.0.0.1:8080","pid":7}`, true},
		"resolver":              {Truth{Addresses: []string{"10.0.0.53"}}, `{"kind":"resolver","address":"10.0.0.53"}`, true},
		"resolver with port":    {Truth{Addresses: []string{"10.0.0.53"}}, `{"kind":"resolver","address":"10.0.0.53:53"}`, true},
		"another resolver":      {Truth{Addresses: []string{"10.0.0.5"}}, `{"kind":"resolver","address":"10.0.0.53"}`, false},
		"interface":             {Truth{Interfaces: []string{"lan0"}}, `{"kind":"interface","name":"lan0"}`, true},
		"cgroup":                {Truth{Cgroups: []string{"/shop"}}, `{"kind":"cgroup","path":"/sys/fs/cgroup/memory/shop"}`, true},
		"cgroup by name":        {Truth{Cgroups: []string{"/shop"}}, `{"kind":"cgroup","name":"shop"}`, true},
		"another cgroup":        {Truth{Cgroups: []string{"/shop"}}, `{"kind":"cgroup","path":"/bookshop"}`, false},
		"service":               {Truth{Units: []string{"shop"}}, `{"kind":"service","name":"shop.service"}`, true},
		"deleted file":          {Truth{Paths: []string{"/tmp/a.log"}}, `{"kind":"path","path":"/tmp/a.log (deleted)"}`, true},
		"transient child":       {Truth{PIDs: []int{5}, Names: []string{"eat"}, Transient: true}, `{"kind":"process","pid":9,"name":"eat"}`, true},
		"pid as text":           {Truth{PIDs: []int{5}}, `{"pid":"5"}`, true},
		"a path as text":        {Truth{Paths: []string{"/a/b"}}, `"/a/b"`, true},
		"empty":                 {Truth{Paths: []string{"/a/b"}}, `{"kind":"path","path":""}`, false},
		"neither name nor path": {Truth{}, `{"kind":"process"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.truth.Cause = []string{"x"}
			got := Judge(Result{Recommendations: []Recommendation{rec("", "", tt.culprit)}}, []Truth{tt.truth}, nil)
			if (got.Rank == 1) != tt.want {
				t.Errorf("rank %d", got.Rank)
			}
		})
	}
}

func TestJudgeTwoFaults(t *testing.T) {
	t.Parallel()
	a := rec("process", "zombies", `{"pid":4711}`, look)
	b := rec("disk", "full", `{"path":"/mnt/data/spool"}`, "du /mnt/data/spool")
	c := rec("cpu", "busy", `{"pid":1}`, "ps -p 1")
	for name, tt := range map[string]struct {
		recs []Recommendation
		want float64
		rank int
	}{
		"both":          {[]Recommendation{a, b}, 5, 1},
		"either way":    {[]Recommendation{b, a}, 5, 1},
		"one is third":  {[]Recommendation{a, c, b}, 4.5, 2},
		"one is fourth": {[]Recommendation{a, c, c, b}, 4.5, 3},
		"one only":      {[]Recommendation{a}, 2.5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Judge(Result{Recommendations: tt.recs}, []Truth{zombies(), full()}, nil)
			if got.Points != tt.want || got.Rank != tt.rank {
				t.Errorf("%g points, rank %d", got.Points, got.Rank)
			}
		})
	}
}

func TestJudgeControl(t *testing.T) {
	t.Parallel()
	for priority, want := range map[string]float64{"low": 5, "medium": 5, "high": 0, "critical": 0, "HIGH": 0} {
		r := rec("cpu", "something", "")
		r.Priority = priority
		if got := Judge(Result{Recommendations: []Recommendation{r}}, nil, nil); got.Points != want || (got.FalseAlarm == "") != (want == 5) {
			t.Errorf("%s: %+v", priority, got)
		}
	}
	if got := Judge(Result{}, nil, nil); got.Points != Most {
		t.Errorf("silence: %+v", got)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		out, err string
		n        int
	}{
		"a result":           {`{"summary":"x","recommendations":[{"type":"cpu","actions":["a"],"details":{}}]}`, "", 1},
		"null is none":       {`{"recommendations":null}`, "", 0},
		"nothing":            {"", "no JSON object", 0},
		"text":               {"all is well", "no JSON object", 0},
		"text after":         {`{"recommendations":[]} done`, "no JSON object", 0},
		"other JSON":         {`{"error":"x"}`, "no recommendations", 0},
		"of another shape":   {`{"recommendations":{"a":1}}`, "another shape", 0},
		"a list of nothings": {`[]`, "no JSON object", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Parse([]byte(tt.out))
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || len(r.Recommendations) != tt.n {
				t.Errorf("%d recommendations, %v", len(r.Recommendations), err)
			}
		})
	}
}
