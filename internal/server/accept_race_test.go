package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

type doing func(c *orchestration.NodeContext) orchestration.Result

func (d doing) Run(c *orchestration.NodeContext) orchestration.Result { return d(c) }

// onPostgres starts a hub whose context nodes wait for the test.
func onPostgres(t *testing.T) (h hub, begun, proceed chan struct{}, conn *pgx.Conn) {
	t.Helper()
	begun, proceed = make(chan struct{}, 10), make(chan struct{})
	url := servertest.Postgres(t)
	h = servertest.StartWith(t, servertest.Setup{
		Env: map[string]string{"HUB_DATABASE_URL": url},
		Handlers: map[string]orchestration.Handler{"context": doing(func(*orchestration.NodeContext) orchestration.Result {
			begun <- struct{}{}
			<-proceed
			return orchestration.Result{Output: map[string]any{}}
		})},
	})
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return h, begun, proceed, conn
}

func exec(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, c *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := c.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEndWhileANodeTells: whoever is told that it is on hears of the end, also when it ends at that very moment: while a slow node is booked, and
// while a message is, whose run goes on to the next.
func TestEndWhileANodeTells(t *testing.T) {
	t.Parallel()
	for name, pipeline := range map[string]obj{
		"node":    servertest.Pipeline(nil, servertest.Ingest("look"), obj{"id": "look", "type": "context", "next": "tell"}, servertest.Notify("tell", "late")),
		"outcome": servertest.Pipeline(nil, servertest.Ingest("now"), obj{"id": "now", "type": "notify", "config": obj{"channels": []string{"first"}}, "next": "tell"}, servertest.Notify("tell", "late")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, begun, proceed, conn := onPostgres(t)
			first := servertest.NewReceiver(t).Answers(func(int, http.ResponseWriter, *servertest.Message) int {
				select {
				case begun <- struct{}{}:
				default:
				}
				<-proceed
				return http.StatusOK
			})
			late := servertest.NewReceiver(t)
			h.Tell("first", first)
			h.Tell("late", late)
			h.Only("slow", pipeline)
			h.Send(servertest.Fire("Disk"))
			<-begun
			exec(t, conn, `CREATE FUNCTION hold_up() RETURNS trigger AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END $$ LANGUAGE plpgsql`)
			exec(t, conn, `CREATE TRIGGER hold_up BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION hold_up()`)
			exec(t, conn, `SELECT pg_advisory_lock(4711)`)
			close(proceed)
			testkit.Eventually(t, 2*time.Minute, func() bool {
				return number(t, conn, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`) > 0
			}, "nothing is told")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if _, err := h.Try(http.MethodPost, "/alerts/webhook/?sync=1", servertest.Resolve("Disk")); err != nil {
					t.Error(err)
				}
			}()
			select { // a fold that waits for them is right, too
			case <-ended:
			case <-time.After(time.Second):
			}
			exec(t, conn, `SELECT pg_advisory_unlock(4711)`)
			<-ended
			h.Rest()
			h.Over()
			got := late.Told()
			if i := h.Incident(); i.Status != "resolved" || len(got) > 0 && !slices.Equal(got, []string{"firing", "resolved"}) {
				t.Errorf("the incident is %s, and people were told %v", i.Status, got)
			}
		})
	}
}

// TestNodesAndOutcomesDoNotWaitInCircles: a run goes on while one of its messages is booked.
func TestNodesAndOutcomesDoNotWaitInCircles(t *testing.T) {
	t.Parallel()
	h, begun, proceed, conn := onPostgres(t)
	answer := make(chan struct{})
	r := servertest.NewReceiver(t).Answers(func(int, http.ResponseWriter, *servertest.Message) int { <-answer; return http.StatusOK })
	later := servertest.NewReceiver(t)
	h.Tell("ops", r)
	h.Tell("later", later)
	h.Only("both", servertest.Pipeline(nil, servertest.Ingest([]string{"now", "look"}), servertest.Notify("now", "ops"),
		obj{"id": "look", "type": "context", "next": "then"}, servertest.Notify("then", "later")))
	h.Send(servertest.Fire("Disk"))
	<-begun
	r.Called()
	before := number(t, conn, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
	exec(t, conn, `BEGIN`)
	exec(t, conn, `LOCK TABLE node_runs IN ACCESS EXCLUSIVE MODE`)
	waiting := func() int {
		return number(t, conn, `SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted`)
	}
	close(proceed) // the node's end has locked its run, and reads its nodes
	testkit.Eventually(t, 2*time.Minute, func() bool { return waiting() >= 1 }, "the node does not end")
	close(answer) // the outcome has locked the delivery, and wants the run
	testkit.Eventually(t, 2*time.Minute, func() bool { return waiting() >= 2 }, "the outcome is not booked")
	exec(t, conn, `COMMIT`)
	h.Rest()
	later.Waits(1)
	if n := number(t, conn, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`) - before; n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}
