//go:build unix

package crashtest

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestDiskFull fills the data folder up under load: 503, the process stays, and it is back by itself once there is space (C11).
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	for name, limit := range map[string]func(t *testing.T, h *hub) disk{"8 MiB tmpfs": smallDisk, "RLIMIT_FSIZE": smallFiles} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := row(t, "C11", "SQLite", "disk full, "+name)
			h, r := newHub(t, "", nil), newReceiver(t)
			r.answerAfter(200 * time.Millisecond) // so that some are always on the wire
			d := limit(t, h)
			h.start()
			h.tell(r)
			l := newLoad(h, pick(40, 50))
			some := pick(40, 200) // few enough for all to fit in the end
			l.start(0)
			worst := time.Duration(0)
			const times = 2
			for n := range times {
				l.allow(2 * some)
				l.wait(t, some)
				d.fill()
				l.allow(0)
				l.mark()
				time.Sleep(outage(n)) // what the hub has sent and could not book must not be sent again
				testkit.Eventually(t, patience, func() bool { refused, _ := l.since(); return refused[http.StatusServiceUnavailable] > 0 }, "no 503s")
				if a, err := h.do(http.MethodGet, "/livez", nil); err != nil || a.status != http.StatusOK {
					t.Errorf("not alive on a full disk: %d %v", a.status, err)
				}
				if a, err := h.do(http.MethodGet, "/api/v1/ledger", nil); err != nil || a.status != http.StatusOK {
					t.Errorf("the ledger cannot be read on a full disk: %d %s %v", a.status, a.body, err)
				}
				d.free()
				l.allow(some)
				l.mark()
				back := time.Now()
				testkit.Eventually(t, patience, func() bool { _, first := l.since(); return !first.IsZero() }, "the hub does not come back")
				worst = max(worst, time.Since(back))
			}
			// It has to go on, not only to take one in.
			l.allow(2 * some)
			l.wait(t, some)
			l.end()
			c.within("back", worst, backIn)
			if l.silent != 0 {
				t.Errorf("%d alerts got no answer", l.silent)
			}
			o := (&audit{hub: h, load: l, receiver: r}).check(t)
			if long() && o.repeats != 0 {
				t.Errorf("%d messages came twice", o.repeats)
			}
			c.faults(times)
			c.count(o)
			c.within("at rest", o.rest, 0)
		})
	}
}

// disk is a limit that can be reached and lifted.
type disk struct{ fill, free func() }

// smallDisk puts the data folder on a file system of 8 MiB. Only root may mount one.
func smallDisk(t *testing.T, h *hub) disk {
	t.Helper()
	dir := h.settings["HUB_DATA_DIR"]
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mount, err := exec.LookPath("mount")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system; the file size limit is tested instead")
	}
	if out, err := exec.CommandContext(t.Context(), mount, "-t", "tmpfs", "-o", "size=8m", "crashtest", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system, the file size limit is tested instead: %v %s", err, out)
	}
	t.Cleanup(func() {
		h.kill()
		list, err := os.ReadDir(dir)
		for _, e := range list {
			if info, ierr := e.Info(); ierr == nil && t.Failed() {
				t.Logf("%s: %d bytes", e.Name(), info.Size())
			}
		}
		if err != nil {
			t.Error(err)
		}
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	filler := filepath.Join(dir, "filler")
	return disk{
		fill: func() {
			f, err := os.Create(filler)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for block := make([]byte, 64<<10); len(block) > 0; { // ever smaller, to the last byte
				if _, err := f.Write(block); err != nil {
					block = block[:len(block)/2]
				}
			}
		},
		free: func() {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		},
	}
}
