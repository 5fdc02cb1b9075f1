package storage

import (
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// ErrCursor is returned for a cursor that no list has given out.
var ErrCursor = errors.New("the cursor is not valid; leave it out to start from the newest row")

// Rows on a page of a list.
const (
	DefaultPageSize = 50
	MaxPageSize     = 200
)

// Paging asks for one page of a list, newest first. The zero value is the first page of DefaultPageSize rows.
type Paging struct {
	Before id.ID // rows older than this one; zero starts at the newest
	Limit  int   // rows; out of 1..MaxPageSize it is brought into it, 0 means DefaultPageSize
}

// Page is one page of a list. Items is never nil.
type Page[T any] struct {
	Items []T `json:"items"`
	// NextCursor asks for the page after this one, "" when this is the last.
	NextCursor string `json:"next_cursor"`
}

// ParseCursor reads what Page.NextCursor gave out; "" is the start of the list.
func ParseCursor(s string) (id.ID, error) {
	if s == "" {
		return id.ID{}, nil
	}
	v, err := id.Parse(s)
	if err != nil {
		return id.ID{}, ErrCursor
	}
	return v, nil
}

// Size is the number of rows on the page.
func (p Paging) Size() int {
	if p.Limit <= 0 {
		return DefaultPageSize
	}
	return min(p.Limit, MaxPageSize)
}

// Apply orders and cuts a query of a table with a column id. It asks for one row more than the page has, by which PageOf
// knows whether there is another.
func (p Paging) Apply(q *gorm.DB) *gorm.DB {
	if !p.Before.IsZero() {
		q = q.Where("id < ?", p.Before)
	}
	return q.Order("id DESC").Limit(p.Size() + 1)
}

// PageOf makes the page from the rows of a query that Apply cut.
func PageOf[T any](rows []T, p Paging, idOf func(*T) id.ID) Page[T] {
	page := Page[T]{Items: rows}
	if len(rows) > p.Size() {
		page.Items = rows[:p.Size()]
		page.NextCursor = idOf(&page.Items[p.Size()-1]).String()
	}
	if page.Items == nil {
		page.Items = []T{}
	}
	return page
}

// likeEscape is the character that LikeClause's pattern escapes with: not the backslash, which one dialect treats apart.
const likeEscape = "!"

// Like returns a condition, with its argument, that text is part of one of the columns, whatever the case.
func Like(text string, columns ...string) (string, []any) {
	pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
	parts := make([]string, len(columns))
	args := make([]any, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf("LOWER(CAST(%s AS TEXT)) LIKE ? ESCAPE '%s'", c, likeEscape)
		args[i] = pattern
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}
