//go:build unix

package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/worker"
)

func TestRingIsHeardByAnotherProcess(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	rings, hears := open(t, url), open(t, url, worker.Queues()...)
	for _, queue := range worker.Queues() {
		rings.Ring(queue)
		if !isRung(hears, queue, back) {
			t.Errorf("nobody heard the ring of %s", queue)
		}
		if !isRung(rings, queue, 0) {
			t.Errorf("the ring of %s was not heard in its own process", queue)
		}
	}
}

func TestOwnRingNeedsNoRedis(t *testing.T) {
	t.Parallel()
	b, err := worker.NewBell(worker.Config{URL: secret.NewString("redis://127.0.0.1:1/0"), Queues: worker.Queues(), Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	b.Ring("ingest")
	if !isRung(b, "ingest", 0) {
		t.Error("a ring before Start was not heard")
	}
	if err := b.Start(); err != nil {
		t.Fatalf("without Redis: %v", err)
	}
	b.Ring("notify")
	if !isRung(b, "notify", 0) {
		t.Error("a ring without Redis was not heard")
	}
	b.Stop(t.Context())
	b.Ring("notify")
	if !isRung(b, "notify", 0) {
		t.Error("a ring after Stop was not heard")
	}
	b.Stop(t.Context())
}

// TestServersAndWorkers is the doorbell of two servers and two workers, where each worker works some queues.
func TestServersAndWorkers(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	servers := []*worker.Bell{open(t, url, "ingest", "notify"), open(t, url, "ingest", "notify")}
	workers := map[string]*worker.Bell{"context": open(t, url, "context", "maintenance"), "intelligence": open(t, url, "intelligence")}
	for n, s := range servers {
		for queue, w := range workers {
			s.Ring(queue)
			if !isRung(w, queue, back) {
				t.Errorf("server %d rang %s, its worker heard nothing", n, queue)
			}
		}
	}
	// What a process rings is for the others: its own ears leave it to them while they have their time. On a busy machine they may not use it.
	most := time.Now().Add(back)
	for others := 0; others < 15; time.Sleep(10 * time.Millisecond) {
		own, other := servers[0].Rings().Heard, servers[1].Rings().Heard
		began := time.Now()
		servers[0].Ring("ingest")
		if !isRung(servers[0], "ingest", 0) {
			t.Fatal("its own ring was not heard")
		}
		for servers[0].Rings().Heard == own && servers[1].Rings().Heard == other && time.Now().Before(most) {
			time.Sleep(time.Millisecond)
		}
		took := time.Since(began)
		switch {
		case servers[1].Rings().Heard > other:
			others++
		case servers[0].Rings().Heard == own:
			t.Fatal("the other server heard too little")
		case took < worker.Courtesy:
			t.Errorf("the server that rang took its own ring from Redis after %s", took)
		}
		if time.Now().After(most) {
			t.Fatal("the other server heard too little")
		}
	}
}

func TestRingsAreJoined(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	rings, hears := open(t, url), open(t, url, worker.Queues()...)
	heard := hear(t, hears, "ingest")
	const asked = 20000
	began := time.Now()
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range asked / 4 {
				rings.Ring("ingest")
			}
		})
	}
	work.Wait()
	each := time.Since(began) / asked
	testkit.Eventually(t, back, func() bool { return heard() > 0 }, "nothing was heard")
	rings.Ring("ingest") // the last one counts as well
	testkit.Eventually(t, back, func() bool { return hears.Rings().Heard == rings.Rings().Sent }, "sent and heard differ")
	got := rings.Rings()
	if got.Asked != asked+1 || got.Sent < 1 || got.Sent > asked/20 || got.Failed != 0 {
		t.Errorf("%+v: want %d asked for, sent as a few", got, asked+1)
	}
	t.Logf("a call of Ring took %v, %d were sent as %d", each, got.Asked, got.Sent)
}

// TestTasks looks at what lies in Redis while nobody listens: tasks that never come back, and never very many.
func TestTasks(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	b := open(t, url)
	o, err := asynq.ParseRedisURI(url)
	if err != nil {
		t.Fatal(err)
	}
	inspector := asynq.NewInspector(o)
	t.Cleanup(func() { _ = inspector.Close() })
	for dealt := func() int64 { r := b.Rings(); return r.Sent + r.Spared }; b.Rings().Spared < 4; {
		before := dealt()
		if b.Ring("context"); before > 1000 {
			t.Fatal("rings go on although nobody listens")
		}
		testkit.Eventually(t, back, func() bool { return dealt() > before }, "a ring is forgotten")
	}
	tasks, err := inspector.ListPendingTasks("context", asynq.PageSize(1000))
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks) < 2 || len(tasks) > 40 {
		t.Errorf("%d tasks wait", len(tasks))
	}
	ids := map[string]bool{}
	for _, task := range tasks {
		ids[task.ID] = true
		if task.Type != "ring" || !strings.HasPrefix(task.ID, "ring:") || task.MaxRetry != 0 || task.Retention != 0 || task.Timeout != 10*time.Second ||
			len(task.Payload) != 0 || task.Queue != "context" {
			t.Fatalf("task %+v", task)
		}
	}
	if len(ids) != len(tasks) {
		t.Errorf("%d ids for %d tasks", len(ids), len(tasks))
	}
	hears := open(t, url, "context")
	if !isRung(hears, "context", back) {
		t.Fatal("what waited was not heard")
	}
	testkit.Eventually(t, back, func() bool {
		i, err := inspector.GetQueueInfo("context")
		return err == nil && i.Size == 0 && i.Processed == len(tasks) && i.Failed == 0
	}, "tasks stay behind")
}

func TestView(t *testing.T) {
	t.Parallel()
	url := testkit.Redis(t)
	rings, hears := open(t, url), open(t, url, "notify", "context")
	rings.Ring("notify")
	rings.Ring("intelligence") // nobody listens
	if !isRung(hears, "notify", back) {
		t.Fatal("nothing heard")
	}
	var v worker.View
	testkit.Eventually(t, back, func() bool {
		v = hears.View(t.Context())
		return len(v.Servers) == 1 && len(v.Queues) == 6 && v.Queues[1].Processed == 1 && v.Queues[4].Pending == 1
	}, "the view shows no server and no rings")
	var names []string
	for _, q := range v.Queues {
		names = append(names, q.Name)
	}
	if !slices.Equal(names, worker.Queues()) || v.Away != "" || v.Queues[4].LatencySeconds <= 0 {
		t.Errorf("view %+v", v)
	}
	if s := v.Servers[0]; !slices.Equal(s.Queues, []string{"context", "notify"}) || s.Status != "active" || s.PID == 0 {
		t.Errorf("server %+v", s)
	}
	if v.Rings.Heard != 1 {
		t.Errorf("rings %+v", v.Rings)
	}
}

func TestCollectors(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.Redis(t))
	r := prometheus.NewRegistry()
	for _, c := range b.Collectors() {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	b.Ring("notify")
	testkit.Eventually(t, back, func() bool { return b.Rings().Sent == 1 }, "not sent")
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			if l := m.GetLabel(); len(l) == 1 {
				name += " " + l[0].GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	want := map[string]float64{
		"incidenthub_redis_up": 1, "incidenthub_rings_total asked": 1, "incidenthub_rings_total sent": 1, "incidenthub_rings_total failed": 0,
		"incidenthub_rings_total heard": 0, "incidenthub_rings_total spared": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNewBellRefuses(t *testing.T) {
	t.Parallel()
	const canary = "hunter2"
	for name, url := range map[string]string{
		"nothing": "", "no URL": canary + "%", "another scheme": "http://u:" + canary + "@host", "a broken password": "redis://u:" + canary + "%zz@host:1/0",
		"a database that is no number": "redis://u:" + canary + "@host/x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := worker.NewBell(worker.Config{URL: secret.NewString(url), Log: testkit.Logger(t)})
			if err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("NewBell = %v", err)
			}
		})
	}
	if _, err := worker.NewBell(worker.Config{URL: secret.NewString("redis://localhost")}); err == nil {
		t.Error("a bell without a log")
	}
}

// BenchmarkIdle is what listening to five queues costs while nobody rings: CPU time of this process, without Redis.
func BenchmarkIdle(b *testing.B) {
	url := testkit.Redis(b)
	bell, err := worker.NewBell(worker.Config{URL: secret.NewString(url), Queues: worker.Queues(), Log: testkit.Logger(b)})
	if err != nil {
		b.Fatal(err)
	}
	if err := bell.Start(); err != nil {
		b.Fatal(err)
	}
	defer bell.Stop(context.WithoutCancel(b.Context()))
	time.Sleep(time.Second)
	client := dial(b, url)
	server := func() (cpu float64) {
		info := client.Info(b.Context(), "cpu").Val()
		for line := range strings.SplitSeq(info, "\r\n") {
			var v float64
			if _, err := fmt.Sscanf(line, "used_cpu_user:%g", &v); err == nil {
				cpu += v
			}
			if _, err := fmt.Sscanf(line, "used_cpu_sys:%g", &v); err == nil {
				cpu += v
			}
		}
		return cpu
	}
	own, redis, began := cpuTime(), server(), time.Now()
	for b.Loop() {
		time.Sleep(3 * time.Second)
	}
	took := time.Since(began).Seconds()
	b.ReportMetric(100*(cpuTime()-own).Seconds()/took, "%core-here")
	b.ReportMetric(100*(server()-redis)/took, "%core-redis")
}

// BenchmarkRing is the time from a ring to its being heard elsewhere, at 200 a second.
func BenchmarkRing(b *testing.B) {
	url := testkit.Redis(b)
	var bells []*worker.Bell
	for _, queues := range [][]string{nil, worker.Queues()} {
		bell, err := worker.NewBell(worker.Config{URL: secret.NewString(url), Queues: queues, Log: testkit.Logger(b)})
		if err != nil {
			b.Fatal(err)
		}
		if err := bell.Start(); err != nil {
			b.Fatal(err)
		}
		defer bell.Stop(context.WithoutCancel(b.Context()))
		bells = append(bells, bell)
	}
	var took []time.Duration
	own := cpuTime()
	for b.Loop() {
		began := time.Now()
		bells[0].Ring("ingest")
		<-bells[1].Wait("ingest")
		took = append(took, time.Since(began))
		time.Sleep(max(0, 5*time.Millisecond-time.Since(began)))
	}
	b.ReportMetric(float64((cpuTime()-own).Microseconds())/float64(len(took)), "us-cpu/ring")
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-p50")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-p99")
}
