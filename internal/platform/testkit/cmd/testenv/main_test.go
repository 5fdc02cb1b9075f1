//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asProgram makes this test binary behave as testenv itself.
const asProgram = "HUB_TESTENV_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// testenv is the program, with servers of the caller's unless own.
func testenv(t *testing.T, own bool, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	given := []string{"postgres://given", "redis://given"}
	if own {
		given = []string{"", ""}
	}
	cmd.Env = append(os.Environ(), asProgram+"=1", postgresVariable+"="+given[0], redisVariable+"="+given[1])
	return cmd
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want int
	}{
		"success":           {[]string{"true"}, 0},
		"failure":           {[]string{"--", "sh", "-c", "exit 7"}, 7},
		"killed":            {[]string{"sh", "-c", "kill -9 $$"}, 128 + 9},
		"no command":        {nil, exitUsage},
		"no such program":   {[]string{"/no/such/program"}, exitSetup},
		"given urls remain": {[]string{"sh", "-c", `test "$HUB_TEST_POSTGRES_URL $HUB_TEST_REDIS_URL" = "postgres://given redis://given"`}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := testenv(t, false, tt.args...).CombinedOutput()
			if got := exitCode(err, &bytes.Buffer{}); got != tt.want {
				t.Errorf("testenv %q = %d, want %d; it said %q", tt.args, got, tt.want, out)
			}
		})
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers")
	}
	out, err := testenv(t, true, "sh", "-c", `echo "$HUB_TEST_POSTGRES_URL"; echo "$HUB_TEST_REDIS_URL"`).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	if len(got) != 2 || !strings.HasPrefix(got[0], "postgres://") || !strings.HasPrefix(got[1], "redis://") {
		t.Errorf("the command saw %q, want two URLs", got)
	}
}

// TestSignal ends testenv and expects the grandchild, which go test would leave behind, to go too.
func TestSignal(t *testing.T) {
	t.Parallel()
	cmd := testenv(t, false, "sh", "-c", `sh -c 'trap "echo told; exit" TERM; echo up; while :; do sleep 0.05; done'; exit 3`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if lines.Scan(); lines.Text() != "up" {
		t.Fatalf("the command said %q, want up", lines.Text())
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if lines.Scan(); lines.Text() != "told" {
		t.Errorf("the grandchild said %q, want told", lines.Text())
	}
	if got := exitCode(cmd.Wait(), &bytes.Buffer{}); got != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d, want that of a command ended by SIGTERM", got)
	}
}
