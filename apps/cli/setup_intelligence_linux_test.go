package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// terminal is a pair of ends: what a person sees and types at, and what a program gets.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// screen is what a person has seen.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) watch(from io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		s.mu.Lock()
		s.text.Write(b[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestSetupAtTerminal answers the questions as a person does. The key is not seen.
func TestSetupAtTerminal(t *testing.T) {
	t.Parallel()
	person, program := terminal(t)
	var seen screen
	go seen.watch(person)
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	run := func(ctx context.Context, out io.Writer) int {
		return cli.Run(ctx, cli.Program{
			In: program, Out: out, Err: program, Getenv: func(name string) string { return map[string]string{"HUB_DATA_DIR": dir}[name] },
			Open: func(ctx context.Context, cfg config.Config, log *slog.Logger) (*cli.Hub, error) {
				return hub(ctx, cfg, log)
			},
		}, []string{"setup-intelligence"})
	}
	answer := func(question, text string) {
		t.Helper()
		testkit.Eventually(t, time.Minute, func() bool { return strings.HasSuffix(seen.String(), question) }, question)
		if _, err := person.WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	code := make(chan int, 1)
	go func() { code <- run(ctx, &out) }()
	answer("Choose [1]: ", "psychic")
	answer("Choose [1]: ", "2")
	answer("Name [openai]: ", "main")
	answer("Model [small]: ", "large")
	answer("Address [https://openai.example/v1]: ", "")
	answer("API key (not shown; empty: OPENAI_API_KEY of the hub's environment): ", "right-key")
	answer("whether it works? (yes/no) [yes]: ", "perhaps")
	answer("whether it works? (yes/no) [yes]: ", "")
	answer("from now on? (yes/no) [yes]: ", "y")
	if got := <-code; got != cli.ExitOK {
		t.Fatalf("exit %d\n%s", got, seen.String())
	}
	for _, want := range []string{`Provider "main" is stored: openai, model large.`, "It works: small-1 answered in 42 ms.", "It is asked from now on"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(seen.String()+out.String(), "right-key") {
		t.Error("the key was shown")
	}

	// The second time the stored values are the usual ones, and Ctrl-C in the middle changes nothing and shows what is typed again.
	ctx2, stop := context.WithCancel(t.Context())
	go func() { code <- run(ctx2, io.Discard) }()
	answer("Choose [1]: ", "openai")
	answer("Name [openai]: ", "main")
	answer("Model [large]: ", "")
	answer("Address [https://openai.example/v1]: ", "")
	testkit.Eventually(t, time.Minute, func() bool {
		return strings.HasSuffix(seen.String(), "API key (not shown; empty: the stored one stays): ")
	}, "the question for the key")
	stop()
	if got := <-code; got != cli.ExitFailed {
		t.Errorf("stopped: exit %d", got)
	}
	testkit.Eventually(t, time.Minute, func() bool { return strings.Contains(seen.String(), "nothing was changed") }, "what became of it")
	term, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || term.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal stays silent: %v", err)
	}
}
