package changes_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func each(t *testing.T, fn func(t *testing.T, s *changes.Service)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s, err := changes.New(db)
		if err != nil {
			t.Fatal(err)
		}
		fn(t, s)
	}, func(c *storage.Config) { c.Clock = clock.At(now) })
}

func record(t *testing.T, s *changes.Service, tenant string, in changes.Input) changes.Change {
	t.Helper()
	c, err := s.Record(t.Context(), tenant, in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func titles(list []changes.Change) []string {
	out := []string{}
	for _, c := range list {
		out = append(out, c.Title)
	}
	return out
}

func TestRecord(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *changes.Service) {
		c := record(t, s, "a", changes.Input{
			Title: " api \x1b[31m2.4.1\u202e\n", Kind: "Deploy", Service: "api", Labels: map[string]string{"env": "prod", " team ": "x\x00y"},
			At: now.Add(-time.Hour).In(time.FixedZone("", 7200)), URL: "https://ci.example.com/7", Author: "ada",
		})
		want := changes.Change{
			ID: c.ID, TenantID: "a", Title: "api [31m2.4.1", Kind: "deploy", Service: "api", Labels: map[string]string{"env": "prod", "team": "xy"},
			At: now.Add(-time.Hour), URL: "https://ci.example.com/7", Author: "ada", CreatedAt: now,
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("recorded (-want +got):\n%s", diff)
		}
		least := record(t, s, "a", changes.Input{Title: "something"})
		if least.Kind != changes.Other || !least.At.Equal(now) {
			t.Errorf("the least: %+v", least)
		}
		page, err := s.List(t.Context(), "a", changes.Filter{}, storage.Paging{})
		if err != nil {
			t.Fatal(err)
		}
		want.TenantID, page.Items[1].TenantID = "", ""
		if diff := cmp.Diff(want, page.Items[1]); diff != "" || page.NextCursor != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	})
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 51 {
		many[strconv.Itoa(i)] = ""
	}
	cases := map[string]struct {
		in     changes.Input
		fields []string
	}{
		"nothing":         {changes.Input{}, []string{"title"}},
		"blank":           {changes.Input{Title: " \x00\u200b "}, []string{"title"}},
		"long":            {changes.Input{Title: strings.Repeat("é", 201), Service: strings.Repeat("x", 201), Author: strings.Repeat("x", 201)}, []string{"title", "service", "author"}},
		"kind":            {changes.Input{Title: "t", Kind: "two words"}, []string{"kind"}},
		"ahead":           {changes.Input{Title: "t", At: now.Add(2 * time.Hour)}, []string{"at"}},
		"old":             {changes.Input{Title: "t", At: now.Add(-91 * 24 * time.Hour)}, []string{"at"}},
		"no address":      {changes.Input{Title: "t", URL: "javascript:alert(1)"}, []string{"url"}},
		"password in it":  {changes.Input{Title: "t", URL: "https://u:p@ci.example.com"}, []string{"url"}},
		"too many labels": {changes.Input{Title: "t", Labels: many}, []string{"labels"}},
		"labels":          {changes.Input{Title: "t", Labels: map[string]string{"\x01": "x", "a/b": strings.Repeat("x", 501)}}, []string{"labels", "labels/a~1b"}},
	}
	each(t, func(t *testing.T, s *changes.Service) {
		for name, tt := range cases {
			_, err := s.Record(t.Context(), "a", tt.in)
			bad := (*changes.Invalid)(nil)
			if !errors.As(err, &bad) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var got []string
			for _, p := range bad.Problems {
				got = append(got, p.Field)
			}
			if !slices.Equal(got, tt.fields) {
				t.Errorf("%s: wrong are %q, want %q", name, got, tt.fields)
			}
		}
		if page, err := s.List(t.Context(), "a", changes.Filter{}, storage.Paging{}); err != nil || len(page.Items) != 0 {
			t.Errorf("kept %v, %v", page.Items, err)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *changes.Service) {
		for i, in := range []changes.Input{
			{Title: "e", At: now.Add(-5 * time.Hour), Service: "api", Kind: "deploy", Labels: map[string]string{"env": "prod"}},
			{Title: "a", At: now.Add(-time.Hour), Service: "api", Kind: "config", Labels: map[string]string{"env": "test", "n": "1"}},
			{Title: "c", At: now.Add(-3 * time.Hour), Service: "web", Kind: "deploy"},
			{Title: "d", At: now.Add(-3 * time.Hour), Labels: map[string]string{"env": "prod"}},
		} {
			record(t, s, "a", in)
			record(t, s, "b", changes.Input{Title: fmt.Sprint("other ", i)})
		}
		for name, tt := range map[string]struct {
			f    changes.Filter
			want []string
		}{
			"all":     {changes.Filter{}, []string{"a", "d", "c", "e"}},
			"service": {changes.Filter{Service: "api"}, []string{"a", "e"}},
			"kind":    {changes.Filter{Kind: "deploy"}, []string{"c", "e"}},
			"label":   {changes.Filter{Labels: map[string]string{"env": "prod"}}, []string{"d", "e"}},
			"labels":  {changes.Filter{Labels: map[string]string{"env": "test", "n": "2"}}, []string{}},
			"during":  {changes.Filter{Since: now.Add(-3 * time.Hour), Until: now.Add(-time.Hour)}, []string{"d", "c"}},
		} {
			got := []string{}
			p := storage.Paging{Limit: 1}
			for {
				page, err := s.List(t.Context(), "a", tt.f, p)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, titles(page.Items)...)
				if page.NextCursor == "" {
					break
				}
				if p.Before, err = id.Parse(page.NextCursor); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
		}
		if _, err := s.List(t.Context(), "a", changes.Filter{}, storage.Paging{Before: id.New()}); !errors.Is(err, storage.ErrCursor) {
			t.Errorf("a cursor that nobody gave out: %v", err)
		}
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *changes.Service) {
		c := record(t, s, "a", changes.Input{Title: "x"})
		if err := s.Delete(t.Context(), "b", c.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("another tenant's: %v", err)
		}
		if err := s.Delete(t.Context(), "a", c.ID); err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), "a", c.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("twice: %v", err)
		}
	})
}

// TestBefore: what has to do with the incident comes first, what was made elsewhere last, and nothing from outside of the window.
func TestBefore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *changes.Service) {
		began := now.Add(-10 * time.Minute)
		for title, in := range map[string]changes.Input{
			"too early":   {At: began.Add(-3 * time.Hour), Service: "api"},
			"too late":    {At: began.Add(5 * time.Minute), Service: "api"},
			"just now":    {At: began.Add(30 * time.Second)},
			"newer":       {At: began.Add(-time.Minute)},
			"service":     {At: began.Add(-100 * time.Minute), Service: "API"},
			"app":         {At: began.Add(-90 * time.Minute), Labels: map[string]string{"app": "api"}},
			"host":        {At: began.Add(-80 * time.Minute), Labels: map[string]string{"hostname": "web-1"}},
			"team":        {At: began.Add(-70 * time.Minute), Labels: map[string]string{"team": "pay"}},
			"other place": {At: began.Add(-2 * time.Minute), Service: "api", Labels: map[string]string{"env": "test"}},
		} {
			in.Title = title
			record(t, s, "a", in)
		}
		record(t, s, "b", changes.Input{Title: "another tenant's", At: began, Service: "api"})
		about := changes.About{Began: began, Window: 2 * time.Hour, Limit: 20, Labels: []map[string]string{
			{"service": "api", "instance": "web-1:9100", "team": "pay", "env": "prod"}, {"service": "api", "x": ""},
		}}
		got, err := s.Before(t.Context(), "a", about)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		match := map[string]string{}
		for _, r := range got {
			order = append(order, r.Title)
			match[r.Title] = fmt.Sprint(r.Match, r.Elsewhere)
		}
		if diff := cmp.Diff([]string{"app", "service", "host", "team", "just now", "newer", "other place"}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		want := map[string]string{
			"app": "[service] false", "service": "[service] false", "host": "[host] false", "team": "[team] false", "just now": "[] false", "newer": "[] false",
			"other place": "[service] true",
		}
		if !maps.Equal(match, want) {
			t.Errorf("match %v", match)
		}
		about.Limit = 2
		if got, err = s.Before(t.Context(), "a", about); err != nil || len(got) != 2 {
			t.Errorf("two: %d, %v", len(got), err)
		}
		about.Window = 0
		if got, err = s.Before(t.Context(), "a", about); err != nil || len(got) != 0 {
			t.Errorf("no window: %d, %v", len(got), err)
		}
	})
}
