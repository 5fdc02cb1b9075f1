package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestPagesCoverEveryRowOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		type row struct {
			ID   id.ID
			Name string
		}
		var want []string
		for i := range 7 {
			name := fmt.Sprintf("source %d", i)
			want = append([]string{name}, want...)
			err := db.From(t.Context()).Exec("INSERT INTO sources (id, tenant_id, name, created_at, updated_at) VALUES (?, 't', ?, ?, ?)",
				id.New(), name, db.Now(), db.Now()).Error
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, size := range []int{1, 3, 6, 7, 8} {
			var got []string
			p := storage.Paging{Limit: size}
			for pages := 1; ; pages++ {
				var rows []row
				if err := p.Apply(db.Read(t.Context()).Table("sources").Where("tenant_id = 't'")).Find(&rows).Error; err != nil {
					t.Fatal(err)
				}
				page := storage.PageOf(rows, p, func(r *row) id.ID { return r.ID })
				for _, r := range page.Items {
					got = append(got, r.Name)
				}
				if page.NextCursor == "" {
					if most := (7 + size - 1) / size; pages != most {
						t.Errorf("%d rows a page: %d pages, want %d", size, pages, most)
					}
					break
				}
				before, err := storage.ParseCursor(page.NextCursor)
				if err != nil {
					t.Fatal(err)
				}
				p.Before = before
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d rows a page (-want +got):\n%s", size, diff)
			}
		}
	})
}

func TestPageLimits(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{-1: storage.DefaultPageSize, 0: storage.DefaultPageSize, 1: 1, 200: 200, 201: storage.MaxPageSize} {
		if got := (storage.Paging{Limit: given}).Size(); got != want {
			t.Errorf("Limit %d: %d rows, want %d", given, got, want)
		}
	}
	if page := storage.PageOf(nil, storage.Paging{}, func(*int) id.ID { return id.ID{} }); page.Items == nil || page.NextCursor != "" {
		t.Errorf("no rows: %+v, want an empty list and no cursor", page)
	}
	if _, err := storage.ParseCursor("1 OR 1=1"); !errors.Is(err, storage.ErrCursor) {
		t.Errorf("a foreign cursor: %v, want ErrCursor", err)
	}
}

func TestLikeTakesTextLiterally(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		for i, name := range []string{"100% full", "100 full", "a_b", "aXb", "wow!", `back\slash`} {
			err := db.From(t.Context()).Exec("INSERT INTO sources (id, tenant_id, name, group_by, created_at, updated_at) VALUES (?, 't', ?, ?, ?, ?)",
				id.New(), name, storage.Doc([]int{i}), db.Now(), db.Now()).Error
			if err != nil {
				t.Fatal(err)
			}
		}
		for text, want := range map[string][]string{
			"0% F": {"100% full"}, "a_b": {"a_b"}, "W!": {"wow!"}, `k\s`: {`back\slash`}, "[4]": {"wow!"}, "' OR 1=1 --": nil, "FULL": {"100 full", "100% full"},
		} {
			cond, args := storage.Like(text, "name", "group_by")
			var got []string
			if err := db.Read(t.Context()).Table("sources").Where(cond, args...).Order("name").Pluck("name", &got).Error; err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
	})
}
