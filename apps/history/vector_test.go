package history

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func made(name, message string, labels ...string) Vector {
	m := map[string]string{}
	for i := 0; i+1 < len(labels); i += 2 {
		m[labels[i]] = labels[i+1]
	}
	v, _ := subject{alerts: []subjectAlert{{name, message, m}}}.vector()
	return v
}

func similarity(a, b Vector) float64 {
	x := &index{slots: map[id.ID]int{}}
	x.put([]vectorRow{{IncidentID: id.New(), Vector: pack(&b)}})
	for _, h := range x.search(&a, 1, -1, id.ID{}) {
		return h.similarity
	}
	return -1
}

// TestLikeness: what people would call the same trouble is above the floor, what is another one is below it.
func TestLikeness(t *testing.T) {
	t.Parallel()
	disk := made("DiskFull", "/dev/sda1 on /var is 97% full", "service", "api", "instance", "web-1:9100", "severity", "critical", "env", "prod")
	for name, tt := range map[string]struct {
		other    Vector
		from, to float64
	}{
		"itself":                {disk, 0.999, 1},
		"another number":        {made("DiskFull", "/dev/sdb2 on /var is 91% full", "service", "api", "instance", "web-1:9100", "severity", "warning", "env", "prod"), 0.98, 1},
		"its neighbour":         {made("DiskFull", "/dev/sda1 on /var is 92% full", "service", "api", "instance", "web-2:9100", "env", "prod"), 0.9, 0.999},
		"another spelling":      {made("disk_full", "/dev/sda1 on /var is 97% full", "app", "api", "instance", "web-1", "env", "prod"), 0.85, 0.999},
		"another service":       {made("DiskFull", "/dev/sda1 on /srv is 97% full", "service", "billing", "instance", "db-1", "env", "prod"), 0.55, 0.9},
		"words in common":       {made("DiskSpaceLow", "filesystem is 91% full", "service", "api", "instance", "web-1:9100", "env", "prod"), floor, 0.8},
		"same host, other case": {made("HighLatency", "p99 of checkout is 3 s", "service", "api", "instance", "web-1:9100", "env", "prod"), 0, floor},
		"nothing in common":     {made("CertificateExpires", "certificate of shop.example.com ends in 3 days", "team", "web"), -0.2, 0.2},
		"empty":                 {Vector{}, -1, -1},
	} {
		if got := similarity(disk, tt.other); got < tt.from || got > tt.to {
			t.Errorf("%s: %.3f, want %.2f to %.2f", name, got, tt.from, tt.to)
		}
	}
	if a, b := made("", ""), made("\x00 \xff", ""); similarity(a, b) > 1 {
		t.Error("names without words")
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"HTTPErrors5xx": {"http", "errors5xx"}, "high_cpu-load 17": {"high", "cpu", "load"}, "The alert is on": {"the alert is on"}, "DiskFull": {"disk", "full"},
		"Ausfall Überlast": {"ausfall", "überlast"},
	} {
		if diff := cmp.Diff(want, words(in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestPack(t *testing.T) {
	t.Parallel()
	v := made("DiskFull", "full", "a", "b")
	if got, ok := unpack(pack(&v)); !ok || got != v {
		t.Error("a vector changes when it is stored")
	}
	for _, raw := range [][]byte{nil, {1}, make([]byte, 1+Dims), append([]byte{9}, make([]byte, Dims)...)} {
		if _, ok := unpack(raw); ok {
			t.Errorf("%d bytes of version %v are taken for a vector", len(raw), raw[:min(1, len(raw))])
		}
	}
}

// TestIndexIsBounded: the newest stay, and are found.
func TestIndexIsBounded(t *testing.T) {
	t.Parallel()
	x, newest := filled(maxVectors + maxVectors/10)
	if n := len(x.ids); n > maxVectors+maxVectors/20 || len(x.slots) != n || len(x.vectors) != n*Dims || len(x.norms) != n {
		t.Fatalf("%d incidents, %d slots, %d numbers", n, len(x.slots), len(x.vectors))
	}
	v := made("OneOfAKind", "never seen before")
	x.put([]vectorRow{{IncidentID: newest, Vector: pack(&v), MadeAt: time.Unix(1, 0)}})
	if got := x.search(&v, 3, 0.9, id.ID{}); len(got) != 1 || got[0].id != newest || got[0].similarity < 0.999 {
		t.Errorf("found %v", got)
	}
	if got := x.search(&v, 3, 0.9, newest); len(got) != 0 {
		t.Errorf("found itself: %v", got)
	}
	if got := x.search(&Vector{}, 3, 0, id.ID{}); len(got) != 0 {
		t.Errorf("nothing is like %v", got)
	}
}

func filled(n int) (*index, id.ID) {
	x := &index{slots: map[id.ID]int{}}
	random := rand.New(rand.NewPCG(1, 2))
	var last id.ID
	for i := 0; i < n; i += 1000 {
		rows := make([]vectorRow, 1000)
		for k := range rows {
			last = id.New()
			v := made(fmt.Sprintf("Name%c%c", 'a'+random.IntN(26), 'a'+random.IntN(26)), "x", "service", strconv.Itoa(random.IntN(1000)))
			rows[k] = vectorRow{IncidentID: last, Vector: pack(&v)}
		}
		x.put(rows)
	}
	return x, last
}

func BenchmarkSearch(b *testing.B) {
	x, _ := filled(50_000)
	v := made("Nameab", "x", "service", "7")
	for b.Loop() {
		x.search(&v, 20, floor, id.ID{})
	}
}

func BenchmarkVector(b *testing.B) {
	for b.Loop() {
		made("DiskFull", "/dev/sda1 on /var is 97% full", "service", "api", "instance", "web-1:9100", "severity", "critical", "env", "prod")
	}
}
