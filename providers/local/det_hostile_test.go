package local

import (
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// hostileNames are what a stranger may call a directory, a file or a process.
var hostileNames = []string{
	"a b", "x; touch /tmp/pwned", "$(reboot)", "`reboot`", "it's", "\"quoted\"", "new\nline", "-rf", "tab\there", "esc\x1b[31m", "bi\u202edi", "a'\n; reboot; '", "*",
	"back\\slash", "bad\xffbyte", "&& reboot #", "|sh", "é",
}

// TestQuoteIsOneWord asks shells what they make of it.
func TestQuoteIsOneWord(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"sh", "bash"} {
		bin, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		for _, name := range hostileNames {
			out, err := exec.CommandContext(t.Context(), bin, "-c", "set -- "+quote("/srv/"+name)+"; printf '%s|%s' $# \"$1\"").Output()
			n, got, _ := strings.Cut(string(out), "|")
			if err != nil || n != "1" {
				t.Errorf("%s: %q is %s words: %q (%v)", shell, name, n, got, err)
			}
			if shell == "bash" && got != "/srv/"+name {
				t.Errorf("%q became %q", "/srv/"+name, got)
			}
		}
	}
}

// TestHostileNames: whatever things are called, texts hold nothing that people do not see, and commands hold the name only as one quoted word.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range hostileNames {
		dir := "/data/" + name
		for class, r := range map[string]*providers.Result{
			"full":      analyzed(t, fullOf(dir), incidentOf("disk full")),
			"deleted":   analyzed(t, deletedAt(dir+"/spool"), incidentOf("disk full")),
			"growth":    analyzed(t, growingAt(dir+"/app.log"), incidentOf("disk is filling")),
			"read-only": analyzed(t, readOnlyAt(dir), incidentOf("writes fail")),
			"link":      analyzed(t, downAt(strings.ReplaceAll(name, "/", "-")), incidentOf("network down")),
			"report":    analyzed(t, fullOf(dir), &providers.Request{Kind: providers.Disk, Options: providers.Options{Path: "/data", LargeFileMB: 1}}),
		} {
			x := r.Recommendations[0]
			if x.Details["fault"] == "none" {
				t.Fatalf("%s of %q: nothing found", class, name)
			}
			said := []string{x.Title, x.Description, r.Summary, r.ProbableCause}
			if c, ok := x.Details["culprit"].(providers.Culprit); ok {
				said = append(said, c.Name, c.Path, c.Address)
			}
			for _, s := range append(said, x.Actions...) {
				if i := strings.IndexFunc(s, func(r rune) bool {
					return unicode.IsControl(r) || unicode.In(r, unicode.Cf) || r == unicode.ReplacementChar
				}); i >= 0 {
					t.Errorf("%s of %q: hidden characters in %q", class, name, s)
				}
			}
			for _, a := range x.Actions {
				parsed(t, a, class, name)
			}
		}
	}
}

// parsed lets a shell without any command to run read an action: what is in it may not break out of its quotes.
func parsed(t *testing.T, action, class, name string) {
	t.Helper()
	if !strings.Contains(action, name) || strings.HasPrefix(action, "After") || strings.HasPrefix(action, "Only") {
		return // sentences
	}
	if len(strings.TrimFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' || r == 'é' || r == '-' })) == 0 {
		return
	}
	if !strings.Contains(action, "'") {
		t.Errorf("%s of %q: not quoted in %q", class, name, action)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", action).CombinedOutput(); err != nil {
		t.Errorf("%s of %q: %q does not parse: %s", class, name, action, out)
	}
}

const dataDev = 7

func dataMount(free uint64) host.Mount {
	return host.Mount{
		Path: "/data", Device: "/dev/vdb", Type: "ext4", Options: "rw", Dev: dataDev, Total: 100 << 20, Free: free, Available: free, Inodes: 10_000, InodesFree: 9_000,
	}
}

// fullOf is a host with a file system that a directory fills.
func fullOf(dir string) *host.Recording {
	rec := madeUp(func(s *host.Sample, _ bool) { s.Mounts = append(s.Mounts, dataMount(1<<20)) })
	rec.Walks = []host.RecordedWalk{{Root: "/data", Walk: &host.Walk{
		Root: "/data", Size: 98 << 20, Entries: 40, Dirs: []host.Directory{{Path: dir, Size: 90 << 20, Entries: 30, Own: 30}, {Path: "/data/other", Size: 5 << 20, Entries: 5, Own: 5}},
		Large: []host.FileInfo{{Path: dir + "/blob", Size: 60 << 20, ModifiedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}},
	}}}
	return rec
}

func deletedAt(file string) *host.Recording {
	return madeUp(func(s *host.Sample, _ bool) {
		s.Mounts = append(s.Mounts, dataMount(2<<20))
		withProcess(s, host.Process{PID: 50, Name: "spooler", OpenFiles: []host.File{
			{FD: 3, Path: file, Deleted: true, Writing: true, Size: 80 << 20, Blocks: 80 << 20, Dev: dataDev, Inode: 9},
		}})
	})
}

func growingAt(file string) *host.Recording {
	return madeUp(func(s *host.Sample, second bool) {
		f := host.File{FD: 4, Path: file, Writing: true, Size: 30 << 20, Blocks: 30 << 20, Dev: dataDev, Inode: 9}
		m := dataMount(60 << 20)
		if second {
			f.Size, f.Blocks, m.Free, m.Available = 50<<20, 50<<20, 40<<20, 40<<20
		}
		s.Mounts = append(s.Mounts, m)
		withProcess(s, host.Process{PID: 50, Name: "chatty", OpenFiles: []host.File{f}})
	})
}

func readOnlyAt(dir string) *host.Recording {
	return madeUp(func(s *host.Sample, _ bool) {
		m := dataMount(60 << 20)
		m.Path, m.ReadOnly, m.Options = dir, true, "ro"
		s.Mounts = append(s.Mounts, m)
	})
}

func downAt(name string) *host.Recording {
	return madeUp(func(s *host.Sample, _ bool) {
		s.Interfaces = append(s.Interfaces, host.Interface{Name: name, Kind: "physical", Addresses: []string{"198.51.100.4"}})
	})
}
