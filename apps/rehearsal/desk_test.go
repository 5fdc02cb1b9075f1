package rehearsal_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// stage plays what internal/server does.
type stage struct {
	check error
	end   chan error
}

func (s *stage) Check(context.Context, string, *rehearsal.Backtest) error { return s.check }

func (s *stage) Backtest(ctx context.Context, _ string, b rehearsal.Backtest, tell rehearsal.Progress) (*rehearsal.Report, error) {
	if b.Candidate != nil {
		panic("broken")
	}
	tell("replaying", 3, 10)
	select {
	case err := <-s.end:
		return &rehearsal.Report{Receipts: 10}, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestDesk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{end: make(chan error, 1)}
		d := rehearsal.NewDesk(s, clock.System(), slog.New(slog.DiscardHandler))
		start := func() rehearsal.Job {
			t.Helper()
			j, err := d.Start(t.Context(), "t", rehearsal.Backtest{})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return j
		}
		want := func(which id.ID, state string) rehearsal.Job {
			t.Helper()
			j, err := d.Get("t", which)
			if err != nil || j.State != state {
				t.Fatalf("%+v, %v, want %s", j, err, state)
			}
			return j
		}

		first := start()
		if j := want(first.ID, rehearsal.StateRunning); j.Phase != "replaying" || j.Done != 3 || j.Total != 10 || j.Result != nil {
			t.Errorf("%+v", j)
		}
		if _, err := d.Start(t.Context(), "t", rehearsal.Backtest{}); !errors.Is(err, rehearsal.ErrBusy) {
			t.Errorf("a second one: %v", err)
		}
		if _, err := d.Get("other", first.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's: %v", err)
		}
		s.end <- nil
		synctest.Wait()
		if j := want(first.ID, rehearsal.StateDone); j.Result == nil || j.Result.Receipts != 10 || j.FinishedAt == nil {
			t.Errorf("%+v", j)
		}

		second := start()
		if err := d.Cancel("t", second.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(second.ID, rehearsal.StateCanceled)

		third := start()
		s.end <- errors.New("no")
		synctest.Wait()
		if j := want(third.ID, rehearsal.StateFailed); j.Error != "no" {
			t.Errorf("%+v", j)
		}
		broken, err := d.Start(t.Context(), "t", rehearsal.Backtest{Candidate: &rehearsal.Candidate{}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(broken.ID, rehearsal.StateFailed)

		if l := d.List("t"); len(l) != 4 || l[3].ID != first.ID || l[3].Result != nil {
			t.Errorf("list %+v", l)
		}
		time.Sleep(time.Hour + time.Second)
		if _, err := d.Get("t", first.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("after an hour: %v", err)
		}
		s.check = rehearsal.ErrBadInput
		if _, err := d.Start(t.Context(), "t", rehearsal.Backtest{}); !errors.Is(err, rehearsal.ErrBadInput) {
			t.Errorf("refused: %v", err)
		}
		s.check = nil
		last := start()
		d.Close()
		want(last.ID, rehearsal.StateCanceled)
		if _, err := d.Start(t.Context(), "t", rehearsal.Backtest{}); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"7d": now.AddDate(0, 0, -7), "2w": now.AddDate(0, 0, -14), "36h": now.Add(-36 * time.Hour), " 90m ": now.Add(-90 * time.Minute),
		"1.5d": now.Add(-36 * time.Hour), "2026-11-20T10:00:00Z": now.Add(-26 * time.Hour), "2026-11-20T12:00:00+02:00": now.Add(-26 * time.Hour),
		"": {}, "d": {}, "7": {}, "-1d": {}, "0h": {}, "yesterday": {}, "NaNd": {}, "1e300d": {},
	} {
		got, err := rehearsal.ParseSince(text, now)
		if !got.Equal(want) || (err == nil) == want.IsZero() || err != nil && !errors.Is(err, rehearsal.ErrBadInput) {
			t.Errorf("ParseSince(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
