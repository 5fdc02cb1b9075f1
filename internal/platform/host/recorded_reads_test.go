package host_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// script is a host whose one file says something else each time.
type script struct {
	host.Probe
	texts []string
	next  int
}

func (s *script) Read(context.Context, string) ([]byte, error) {
	text := s.texts[min(s.next, len(s.texts)-1)]
	s.next++
	if text == "gone" {
		return nil, &fs.PathError{Op: "open", Path: "/proc/7/statm", Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func TestReadingsOfOneFileComeInTheirOrder(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	said := []string{"1", "1", "2", "1", "gone"}
	r := host.Record(&script{texts: said})
	for range said {
		_, _ = r.Read(ctx, "/proc/7/statm")
	}
	if got := len(r.Recording().Reads); got != 4 {
		t.Errorf("%d readings were kept, want 4: those alike in a row once", got)
	}
	again := host.Replay(r.Recording())
	var got []string
	for range len(said) + 2 {
		text, err := again.Read(ctx, "/proc/7/statm")
		if errors.Is(err, fs.ErrNotExist) {
			text = []byte("gone")
		}
		got = append(got, string(text))
	}
	if diff := cmp.Diff(append(said, "gone", "gone"), got); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

func TestPidfilesHaveATime(t *testing.T) {
	t.Parallel()
	files, err := host.New(host.Config{}).Pidfiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.ModifiedAt.IsZero() || f.ModifiedAt.After(time.Now().Add(time.Hour)) {
			t.Errorf("%s was written at %v", f.Path, f.ModifiedAt)
		}
	}
}
