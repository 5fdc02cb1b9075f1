//go:build unix

package crashtest

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestFsyncSQLite counts, by strace, what the hub asks the kernel to put on disk (C12).
func TestFsyncSQLite(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs strace")
	}
	c := row(t, "C12", "SQLite", "fsyncs counted")
	trace := filepath.Join(t.TempDir(), "trace")
	h, r := newHub(t, "", nil), newReceiver(t)
	h.wrap = append(strace(t), "-f", "-qq", "-y", "-ttt", "-T", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", trace)
	h.await(h.spawn())
	h.tell(r)

	// A push that nothing follows: its commit is the only one while it lasts.
	const calls, alerts = 20, 60 // so few that the log is not begun anew
	alone := make([][2]time.Time, calls)
	for n := range alone {
		alone[n] = h.ignored(n)
	}
	first := walCommits(t, h.database()+"-wal")
	l := newLoad(h, rate())
	l.start(alerts)
	l.over.Wait()
	o := (&audit{hub: h, load: l, receiver: r}).check(t)
	h.kill()
	last := walCommits(t, h.database()+"-wal")
	syncs := readTrace(t, trace)
	for n, call := range alone {
		if within(syncs, call) == 0 {
			t.Errorf("call %d was answered with 2xx, and nothing was synced while it lasted", n)
		}
	}
	if first.salt != last.salt {
		t.Fatal("the write-ahead log was begun anew meanwhile: commits cannot be counted")
	}
	if len(syncs) < last.commits {
		t.Errorf("%d commits, %d fsyncs", last.commits, len(syncs))
	}
	if last.commits-first.commits < 3 { // an alert is stored, then folded, then booked
		t.Errorf("%d commits under load: not counted right", last.commits-first.commits)
	}
	c.count(o)
	c.say("%d commits in the log, %d fsyncs of it; %d calls one by one, each with its own", last.commits, len(syncs), calls)
}

// TestFsyncPostgres counts the server's syncs of its log. The database is set to answer before them: the hub must not go along.
func TestFsyncPostgres(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres")
	}
	c := row(t, "C12", "Postgres", "fsyncs counted, synchronous_commit=off")
	p := testkit.OwnPostgres(t, "synchronous_commit=off")
	db, err := storage.Open(t.Context(), storage.Config{URL: p.URL(), Log: testkit.Logger(t), Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	syncs := func() (n int) {
		if err := db.Read(t.Context()).Raw("SELECT wal_sync FROM pg_stat_wal").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	h := newHub(t, p.URL(), nil)
	h.start()
	const calls = 200
	before := syncs()
	for n := range calls {
		h.ignored(n)
	}
	after := 0
	// Server processes report what they counted with a delay.
	testkit.Eventually(t, patience, func() bool { after = syncs() - before; return after >= calls }, "fewer syncs than calls")
	c.say("%d calls one by one, %d syncs of its log", calls, after)
}

// ignored pushes something that is stored and followed by no work, and tells how long that took.
func (h *hub) ignored(n int) [2]time.Time {
	h.t.Helper()
	from := time.Now()
	a, err := h.do(http.MethodPost, "/alerts/webhook/pagerduty/", fmt.Appendf(nil, `{"event":{"id":"ping-%d","event_type":"pagey.ping",
		"resource_type":"pagey","occurred_at":"2026-11-20T10:00:00Z","data":{"message":"Hello","type":"ping"}}}`, n))
	to := time.Now()
	var body struct{ Outcome string }
	if err != nil || a.status != http.StatusAccepted || json.Unmarshal(a.body, &body) != nil || body.Outcome != "ignored" {
		h.t.Fatalf("a ping: %d %s %v", a.status, a.body, err)
	}
	return [2]time.Time{from, to}
}

// strace returns the program; it fails the test where it is not installed and skips it where tracing is forbidden.
func strace(t *testing.T) []string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed: apt-get install -y strace")
	}
	if out, err := exec.CommandContext(t.Context(), path, "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		if strings.Contains(string(out), "not permitted") {
			t.Skipf("this machine does not let processes be traced: %s", out)
		}
		t.Fatalf("strace: %v %s", err, out)
	}
	return []string{path}
}

// synced is one fsync or fdatasync of the write-ahead log.
type synced struct{ from, to time.Time }

var traced = regexp.MustCompile(`^\d+\s+(\d+\.\d+) (?:(?:fsync|fdatasync)\(\d+<([^>]*)>(\)? )?.*|<\.\.\. (?:fsync|fdatasync) resumed>.*)$`)

// readTrace reads what strace wrote: whole calls, and calls that another thread's line broke in two.
func readTrace(t *testing.T, path string) []synced {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []synced
	open := map[string]time.Time{} // by thread
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		m := traced.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		thread, _, _ := strings.Cut(line, " ")
		at := unix(t, m[1])
		switch {
		case strings.Contains(line, "resumed>"):
			if from, ok := open[thread]; ok && strings.Contains(line, "= 0") {
				out = append(out, synced{from, at})
			}
			delete(open, thread)
		case !strings.HasSuffix(m[2], "-wal"):
		case strings.Contains(line, "<unfinished"):
			open[thread] = at
		case strings.Contains(line, "= 0"):
			took := line[strings.LastIndex(line, "<")+1 : len(line)-1]
			seconds, err := strconv.ParseFloat(took, 64)
			if err != nil {
				t.Fatalf("read %q: %v", line, err)
			}
			out = append(out, synced{at, at.Add(time.Duration(seconds * float64(time.Second)))})
		}
	}
	return out
}

func unix(t *testing.T, s string) time.Time {
	t.Helper()
	seconds, micros, _ := strings.Cut(s, ".")
	sec, err1 := strconv.ParseInt(seconds, 10, 64)
	usec, err2 := strconv.ParseInt(micros, 10, 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("read the time %q", s)
	}
	return time.Unix(sec, usec*1000)
}

func within(syncs []synced, call [2]time.Time) (n int) {
	for _, s := range syncs {
		if !s.from.Before(call[0]) && !s.to.After(call[1]) {
			n++
		}
	}
	return n
}

// wal is what a write-ahead log holds.
type wal struct {
	salt    [8]byte
	commits int
}

// walCommits counts the commits in SQLite's write-ahead log (https://sqlite.org/fileformat2.html#walformat).
func walCommits(t *testing.T, path string) wal {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header, frame = 32, 24
	if len(raw) < header {
		t.Fatalf("%s has %d bytes", path, len(raw))
	}
	w := wal{salt: [8]byte(raw[16:24])}
	page := int(binary.BigEndian.Uint32(raw[8:12]))
	for at := header; at+frame+page <= len(raw); at += frame + page {
		if [8]byte(raw[at+8:at+16]) != w.salt {
			break // left over from before the log was begun anew
		}
		if binary.BigEndian.Uint32(raw[at+4:at+8]) != 0 {
			w.commits++
		}
	}
	return w
}
