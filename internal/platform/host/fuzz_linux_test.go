package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzParsers gives each parser of what the kernel writes any text: it may find nothing, but it may not panic, and names come out printable.
func FuzzParsers(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		f.Fatal("no trees", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\n-- ") {
			_, body, _ := strings.Cut(part, "\n")
			f.Add([]byte(body))
		}
	}
	for _, text := range []string{"", ")(", "1 () ", "1 (a) R", "\\0", "\\777", "a:b:c\n::\n", "Uid:\t\n", "VmRSS:\t18446744073709551615 kB", "\x10\x00\x00\x00\x03"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Sample
		parseSystemStat(text, &s)
		p, err := parseStat(text)
		if err == nil && (p.UserTime < 0 || p.ChildrenTime < 0 || !printable(p.Name)) {
			t.Errorf("process %+v", p)
		}
		parseStatus(text, &p)
		parseIO(text)
		parseLimits(text)
		if words := cmdline(text); len(words) > cmdlineBytes || !printable(words) {
			t.Errorf("command line %q", words)
		}
		for _, line := range parseCgroupLines(text) {
			if !strings.HasPrefix(line.path, "/") {
				t.Errorf("group %q", line.path)
			}
			places := map[string]*place{}
			enter(places, line, 1)
			if at := where([]hierarchy{{controllers: []string{"cpu", "memory", ""}, root: "/", at: "/top"}}, "cpu", line.path); at != "" {
				if at != "/top" && !strings.HasPrefix(at, "/top/") {
					t.Errorf("group %q leads to %q", line.path, at)
				}
			}
		}
		for _, m := range parseMounts(text) {
			if !strings.HasPrefix(m.path, "/") {
				t.Errorf("mount %q", m.path)
			}
		}
		for _, k := range parseSockets(text, nil) {
			if k.State == "" || k.Port < 0 || k.Port > 65535 {
				t.Errorf("socket %+v", k)
			}
		}
		parseInterfaces(text)
		parseCounters(text, "TcpExt:", "ListenDrops")
		parseLoad(text)
		parseFileTable(text)
		for _, v := range readings(parsePressure(text)) {
			if v < 0 || v > 100 {
				t.Errorf("pressure %v", v)
			}
		}
		parsePasswd(text)
		parseFQDN(text, "web7")
		for _, name := range append(parseResolvers(text), parseFamily(text)) {
			if !printable(name) {
				t.Errorf("name %q", name)
			}
		}
		_, _ = parseDiag(text, func(uint64, uint32) {})
		unescape(string(text))
	})
}

func readings(all ...*float64) (values []float64) {
	for _, v := range all {
		if v != nil {
			values = append(values, *v)
		}
	}
	return values
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// BenchmarkSample tells what a look at this machine costs.
func BenchmarkSample(b *testing.B) {
	l := New(Config{})
	processes := 0
	for b.Loop() {
		s, err := l.Sample(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		processes = len(s.Processes)
	}
	b.ReportMetric(float64(processes), "processes")
}
