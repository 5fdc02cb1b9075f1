package storage

import (
	"slices"

	"gorm.io/gorm"
)

// Seldom adds a condition on a column to a list. Where only one of the values in seldom is asked for, partial, the condition of a
// partial index that all of them meet, stands in the query as it is: with a parameter in its place SQLite would not use the index, and
// the list would walk the whole table for a few rows.
func Seldom(q *gorm.DB, column string, values []string, partial string, seldom ...string) *gorm.DB {
	if len(values) == 0 {
		return q
	}
	if !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(seldom, v) }) {
		q = q.Where(partial)
	}
	return q.Where(column+" IN ?", values)
}
