package intelligence

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
	"github.com/incidenthub/incidenthub/providers"
)

// died is the name of a process of this machine that is gone.
func died(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	own := thisProcess()
	if own == "" {
		t.Skip("processes have no names here")
	}
	pid := cmd.Process.Pid
	name := own[:strings.LastIndex(own, "/"+strconv.Itoa(os.Getpid())+"/")] + "/" + strconv.Itoa(pid) + "/" + beganAt(pid)
	if hasEnded(name) {
		t.Errorf("%s runs", name)
	}
	if reused := name + "1"; !hasEnded(reused) {
		t.Errorf("the number of %s is another's by now", reused)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return name
}

func TestHasEnded(t *testing.T) {
	t.Parallel()
	gone := died(t)
	if !hasEnded(gone) {
		t.Errorf("%s is gone", gone)
	}
	for name, process := range map[string]string{
		"this one": thisProcess(), "nobody": "", "elsewhere": "x" + gone, "hostile": thisPlace() + "/-1/7", "words": thisPlace() + "/one/7", "cut": thisPlace() + "/1",
	} {
		if hasEnded(process) {
			t.Errorf("%s: nobody knows that %q has ended", name, process)
		}
	}
}

// TestOrphans: an analysis that says that it runs has an end when its process surely died, or when none takes so long; never while it may live.
func TestOrphans(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		p := &fake{name: "p", hold: make(chan struct{}), answer: says("P")}
		s, r := service(t, db, set{"p": p, "local": {name: "local", answer: says("L")}}, shelf{}, &notes{})
		now := db.Now()
		rows := map[string]id.ID{}
		add := func(name, status, owner string, age time.Duration) {
			t.Helper()
			rows[name] = id.New()
			err := db.From(t.Context()).Exec(`INSERT INTO analyses (id, tenant_id, provider, status, owner, created_at) VALUES (?, 't1', 'local', ?, ?, ?)`,
				rows[name], status, owner, now.Add(-age)).Error
			if err != nil {
				t.Fatal(err)
			}
		}
		add("died", StatusRunning, died(t), time.Second)
		add("own", StatusRunning, thisProcess(), time.Second)
		add("elsewhere", StatusRunning, "another machine/pid:[1]/7/7", 10*time.Minute)
		add("elsewhere, old", StatusRunning, "another machine/pid:[1]/7/7", 12*time.Minute)
		add("over", StatusSucceeded, "", time.Hour)
		status := func(name string) string {
			t.Helper()
			d, err := r.Run(t.Context(), "t1", rows[name])
			if err != nil {
				t.Fatal(err)
			}
			if d.Status == StatusFailed && (d.ErrorClass != providers.ErrInternal || d.ErrorMessage != "the process ended" || d.CompletedAt == nil) {
				t.Errorf("%s: %+v", name, d.AnalysisRun)
			}
			return d.Status
		}
		if n, err := s.failOrphans(t.Context(), false); err != nil || n != 2 || status("died") != StatusFailed || status("elsewhere, old") != StatusFailed {
			t.Errorf("%d, %v: %s, %s", n, err, status("died"), status("elsewhere, old"))
		}
		if status("own") != StatusRunning || status("elsewhere") != StatusRunning || status("over") != StatusSucceeded {
			t.Error("one that may live has an end")
		}
		alone := map[storage.Engine]string{storage.SQLite: StatusFailed, storage.Postgres: StatusRunning}
		if _, err := s.failOrphans(t.Context(), true); err != nil || status("elsewhere") != alone[db.Engine()] || status("own") != StatusRunning {
			t.Errorf("at a start: %s, %s, %v", status("elsewhere"), status("own"), err)
		}

		// One that really runs, and says so, is nobody's orphan while processes start beside it.
		done := make(chan *Analysis, 1)
		go func() {
			a, err := s.Analyze(context.WithoutCancel(t.Context()), &Request{Tenant: "t1", IncidentID: known1, Provider: "p"})
			if err != nil {
				t.Error(err)
			}
			done <- a
		}()
		testkit.Eventually(t, time.Minute, func() bool {
			page, err := r.Runs(t.Context(), "t1", Filter{Provider: "p", Status: StatusRunning}, storage.Paging{Limit: 10})
			return err == nil && len(page.Items) == 1
		}, "it is shown as running")
		other, _ := service(t, db, set{"local": {name: "local", answer: says("L")}}, shelf{}, &notes{})
		other.Start()
		if _, err := other.failOrphans(t.Context(), true); err != nil {
			t.Error(err)
		}
		page, err := r.Runs(t.Context(), "t1", Filter{Provider: "p", Status: StatusRunning}, storage.Paging{Limit: 10})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("%d run, %v", len(page.Items), err)
		}
		close(p.hold)
		rows["p"] = (<-done).ID
		if got := status("p"); got != StatusSucceeded {
			t.Errorf("it ended %s", got)
		}
	})
}

// TestOrphansKeyed: looking for them reads no whole table.
func TestOrphansKeyed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		verb := "EXPLAIN QUERY PLAN "
		if db.Engine() == storage.Postgres {
			verb = "EXPLAIN "
			if err := db.From(t.Context()).Exec(`INSERT INTO analyses (id, tenant_id, provider, status, created_at)
				SELECT ('0199' || lpad(to_hex(g), 28, '0'))::uuid, 'a', 'local', 'succeeded', now() FROM generate_series(1, 20000) g`).Error; err != nil {
				t.Fatal(err)
			}
			if err := db.From(t.Context()).Exec("ANALYZE analyses").Error; err != nil {
				t.Fatal(err)
			}
		}
		rows, err := db.Read(t.Context()).Raw(verb+running, orphansAtOnce).Rows()
		if err != nil {
			t.Fatal(err)
		}
		if plan := dbtest.ReadPlan(t, rows); !strings.Contains(plan, "analyses_running") {
			t.Errorf("it reads\n%s", plan)
		}
	})
}
