//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/faults/inject"
	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

// TestMain plays a role, or clears up, when a test started this program for that.
func TestMain(m *testing.M) {
	if os.Getenv(play.Variable) != "" || os.Getenv(inject.JanitorVariable) != "" {
		os.Exit(run(nil, os.Stdout, os.Stderr, os.Getenv))
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args    string
		words   []string
		classes []string
		err     string
	}{
		"both words":        {"--class zombies --seed 3", []string{typed, vague}, []string{"zombies"}, ""},
		"vague":             {"--class zombies --vague", []string{vague}, []string{"zombies"}, ""},
		"typed":             {"--class zombies --typed", []string{typed}, []string{"zombies"}, ""},
		"a type":            {"--class cpu", []string{typed, vague}, []string{"busy process", "short-lived children", "held back by CPU quota"}, ""},
		"several":           {"--class link-down,stopped", []string{typed, vague}, []string{"link down", "stopped"}, ""},
		"spelled with case": {"--class OOM", []string{typed, vague}, []string{"OOM-kill loop"}, ""},
		"no such class":     {"--class gremlins", nil, nil, `"gremlins"`},
		"an empty class":    {"--class cpu,", nil, nil, `""`},
		"both and neither":  {"--vague --typed", nil, nil, "exclude"},
		"foreign as root":   {"--foreign", nil, nil, "goes with --no-root"},
		"no repeat":         {"--repeat 0", nil, nil, "at least 1"},
		"more":              {"cpu", nil, nil, "nothing else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(strings.Fields(tt.args), io.Discard)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			var classes []string
			for _, f := range got.faults {
				classes = append(classes, f.Name)
			}
			if err != nil || got.seed == 0 || !cmp.Equal(got.words, tt.words) || !cmp.Equal(classes, tt.classes) {
				t.Errorf("%v: %v, %v, seed %d", err, got.words, classes, got.seed)
			}
		})
	}
}

func TestRunRefusesBadFlags(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	if code := run([]string{"--class", "gremlins"}, io.Discard, &stderr, func(string) string { return "" }); code != exitUsage {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func caseOf(class, kind, words string, m score.Marks, truths ...score.Truth) Case {
	return Case{Class: class, Type: kind, Words: words, Marks: m, Truths: truths, Seconds: 2, CPU: .5, Load: "1.00", Made: "a|b"}
}

func TestReport(t *testing.T) {
	t.Parallel()
	full := score.Marks{Points: 5, Rank: 1, Cause: true, Type: true, Action: true}
	zombies := score.Truth{Type: "process"}
	for name, tt := range map[string]struct {
		root  bool
		cases []Case
		held  string // of each bar
		want  []string
	}{
		"all well": {
			true,
			[]Case{
				caseOf("zombies", "process", typed, full, zombies), caseOf("zombies", "process", vague, full, zombies),
				caseOf("nothing wrong", inject.Control, typed, score.Marks{Points: 5}),
			},
			"yyyy",
			[]string{
				"| process: zombies | 5 / 5 | 5 / 5 | 2 / 2 | 2 / 2 | – | 2.0 | 0.50 | a/b |", "| control: nothing wrong | 5 / 5 | – | – | – | 0 |",
				"| **all** | 10 / 10 | 5 / 5 | 2 / 2 | 2 / 2 | 0 |", "| points, typed words | >= 95 % | 100.0 % | held |",
			},
		},
		"all missed": {
			true,
			[]Case{
				caseOf("zombies", "process", typed, score.Marks{Points: 4, Rank: 3, Cause: true, Type: true, Action: true, First: "x", Dangers: []string{"dd: dd"}}, zombies),
				caseOf("zombies", "process", vague, score.Marks{Failed: "crash"}, zombies),
				{Class: "nothing wrong", Type: inject.Control, Words: vague, Marks: score.Marks{FalseAlarm: "high: x"}, Load: "2.00", Others: 9},
			},
			"nnnn",
			[]string{
				"| process: zombies | 4 / 5 | 0 / 5 | 0 / 2 | 1 / 2 | – |", "| points, typed words | >= 95 % | 80.0 % | MISSED |",
				"zombies, typed: 4 points: culprit 3, cause named, type named, action named; said first \"x\" (load 1.00)", "zombies, typed: DANGEROUS: dd: dd",
				"zombies, vague: NO ANSWER: crash", "nothing wrong, vague: FALSE ALARM: high: x (load 2.00, 9 processes of another run)", "Disturbed: 1 of 3 cases", "1 without an answer",
			},
		},
		"without root": {
			false,
			[]Case{caseOf("zombies", "process", typed, full, zombies), caseOf("zombies", "process", vague, score.Marks{Points: 2, Rank: 1}, zombies)},
			"yyy",
			[]string{"| points, without root | >= 65 % | 70.0 % | held |"},
		},
		"nothing done": {true, nil, "yyn", []string{"| cases | some | 0 | MISSED |"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Report{Root: tt.root, Cases: tt.cases, NotPossible: []Skipped{{"link down", "not possible here:\nno ip"}}}
			r.Bars = r.bars()
			var bars []byte
			for _, b := range r.Bars {
				bars = append(bars, map[bool]byte{true: 'y', false: 'n'}[b.Held])
			}
			if held := string(bars); held != tt.held {
				t.Errorf("bars %s, want %s: %+v", held, tt.held, r.Bars)
			}
			got := r.markdown()
			for _, want := range append(tt.want, "link down: not possible here:; no ip; not counted") {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in:\n%s", want, got)
				}
			}
		})
	}
}

// answers makes a program that takes the part of the hub.
func answers(t *testing.T, script string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "analyzer")
	if err := os.WriteFile(p, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMeasure makes real faults, the cheap ones, for analyzers that are right, wrong, or none.
func TestMeasure(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits until faults can be seen")
	}
	right := `cat >/dev/null
for p in $(grep -ls "^PPid:	$PPID$" /proc/[0-9]*/status); do
	if grep -qs '^State:	T' $p; then pid=${p#/proc/}; pid=${pid%/status}; fi
done
echo '{"recommendations":[{"type":"process","priority":"high","title":"stopped process","actions":["ps -fp '$pid'"],"details":{"culprit":{"kind":"process","pid":'$pid'}}}]}'`
	lock := filepath.Join(t.TempDir(), "lock") // a run on this machine is not waited for
	for name, tt := range map[string]struct {
		script string
		points float64
		failed string
	}{
		"right":   {right, 5, ""},
		"silent":  {`echo '{"recommendations":[]}'`, 0, ""},
		"crash":   {`echo '{"recommendations":[]}'; exit 3`, 0, "crash"},
		"no JSON": {"echo all is well", 0, "no JSON"},
	} {
		analyzer := answers(t, tt.script) // before anybody starts a process, which holds what is open for writing for a moment: text file busy
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases := t.TempDir()
			o, err := parse([]string{"--class", "stopped", "--typed", "--seed", "5", "--analyzer", analyzer, "--cases", cases}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			o.lock = lock
			r, err := o.measure(t.Context(), io.Discard)
			if err != nil || len(r.Cases) != 1 || len(r.Broken) > 0 {
				t.Fatalf("%v: %d cases, %v", err, len(r.Cases), r.Broken)
			}
			c := r.Cases[0]
			if c.Marks.Points != tt.points || !strings.HasPrefix(c.Marks.Failed, tt.failed) || (tt.failed == "") != (c.Marks.Failed == "") {
				t.Errorf("%+v", c.Marks)
			}
			if alive(c.Truths[0].PIDs[0]) {
				t.Errorf("pid %d outlived the run", c.Truths[0].PIDs[0])
			}
			kept, err := os.ReadFile(filepath.Join(cases, "stopped-typed-0.json"))
			if tt.points == score.Most {
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("a full case was kept: %v", err)
				}
				return
			}
			var back Case
			if err != nil || json.Unmarshal(kept, &back) != nil || back.Class != "stopped" || len(back.Truths) != 1 || !strings.Contains(back.Incident.Title, "Process") {
				t.Errorf("%v: %s", err, kept)
			}
		})
	}
}

func alive(pid int) bool {
	_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	return err == nil
}
