package storage

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Type is what a statement's column carries in Go and in each engine.
type Type int

// The column types. Zero times, ids and empty documents are stored as NULL.
const (
	UUID     Type = iota // id.ID, zero is NULL
	Key                  // id.ID, never NULL: zero is the nil UUID
	Text                 // string or a type based on it
	TextNull             // string, "" is NULL
	Int                  // int or int64
	Bool                 // bool
	Time                 // time.Time in UTC, zero is NULL
	After                // time.Duration from the database's now
	Document             // []byte or json.RawMessage or string, empty is NULL
	Bytes                // []byte, nil is NULL
)

// Column is one value of a row handed to a Statement.
type Column struct {
	Name string
	Type Type
}

// Col declares a column.
func Col(name string, t Type) Column { return Column{name, t} }

// Cols declares several columns of one type.
func Cols(t Type, names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{n, t}
	}
	return out
}

// Statement is one SQL statement applied to many rows of values: on Postgres once, with the rows as UNNEST arrays, on SQLite
// prepared and run row by row. Its SQL refers to a row's values as v.<column>; {now} is the database's time; {lock},
// {skip locked}, {share} and {skip shared} are row locks where the engine has them. Build statements once, as package variables.
type Statement struct {
	cols []Column
	pg   string
	lite string
	// dated: the SQLite form takes the time as a parameter of its own, after the columns.
	dated bool
	// echo are the columns that RETURNING names, numberedKey for the one that the database numbers. On SQLite the answer is made of the
	// row's own values: its RETURNING doubles the cost of a small statement.
	echo []int
}

// numberedKey stands for the integer key of a new row.
const numberedKey = -1

// pgTypes are the array element types that carry each Type.
var pgTypes = map[Type]string{
	UUID: "uuid", Key: "uuid", Text: "text", TextNull: "text", Int: "bigint", Bool: "boolean", Time: "timestamptz",
	After: "bigint", Document: "text", Bytes: "bytea",
}

var vRef = regexp.MustCompile(`\bv\.([a-z_]+)`)

// Insert builds INSERT INTO table(cols…); tail may hold ON CONFLICT and RETURNING. What a statement returns are declared columns with
// the values that it was given; an Insert may also return the integer key that the database gives to a new row.
func Insert(table string, cols []Column, tail string) *Statement {
	names := make([]string, len(cols))
	values := make([]string, len(cols))
	for i, c := range cols {
		names[i], values[i] = c.Name, "v."+c.Name
	}
	list := strings.Join(names, ", ")
	return build(cols,
		fmt.Sprintf("INSERT INTO %s AS t (%s) SELECT %s FROM {rows} %s", table, list, strings.Join(values, ", "), tail),
		fmt.Sprintf("INSERT INTO %s AS t (%s) VALUES (%s) %s", table, list, strings.Join(values, ", "), tail))
}

// Update builds UPDATE table AS t SET set WHERE where; tail may hold RETURNING.
func Update(table string, cols []Column, set, where, tail string) *Statement {
	return build(cols,
		fmt.Sprintf("UPDATE %s AS t SET %s FROM {rows} WHERE %s %s", table, set, where, tail),
		fmt.Sprintf("UPDATE %s AS t SET %s WHERE %s %s", table, set, where, tail))
}

// Delete builds DELETE FROM table AS t WHERE where; tail may hold RETURNING.
func Delete(table string, cols []Column, where, tail string) *Statement {
	return build(cols,
		fmt.Sprintf("DELETE FROM %s AS t USING {rows} WHERE %s %s", table, where, tail),
		fmt.Sprintf("DELETE FROM %s AS t WHERE %s %s", table, where, tail))
}

// Lookup builds a query that runs body once per row of values. On Postgres the body is joined LATERAL, which forces the index
// look-up whatever plan was cached while the table was empty.
func Lookup(cols []Column, body string) *Statement {
	return build(cols, "SELECT r.* FROM {rows} CROSS JOIN LATERAL ("+body+") r", body)
}

// LookupInOrder builds a query for the rows t of a table that match a row of values. Postgres locks them in the given order, however many
// values there are and in whatever order: those who lock the same rows by other values then wait for each other, but never in a circle.
func LookupInOrder(cols []Column, list, table, where, order string) *Statement {
	return build(cols,
		fmt.Sprintf("SELECT %s FROM {rows} JOIN %s AS t ON %s ORDER BY %s FOR UPDATE OF t", list, table, where, order),
		fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s", list, table, where))
}

func build(cols []Column, pg, lite string) *Statement {
	s := &Statement{cols: cols}
	arrays := make([]string, len(cols))
	names := make([]string, len(cols))
	for i, c := range cols {
		arrays[i] = "$" + strconv.Itoa(i+1) + "::" + pgTypes[c.Type] + "[]"
		names[i] = c.Name
	}
	pg = vRef.ReplaceAllStringFunc(pg, func(ref string) string {
		switch s.column(ref[2:]).Type {
		case After:
			return "(now() + " + ref + " * interval '1 microsecond')"
		default:
			return ref
		}
	})
	rows := fmt.Sprintf("unnest(%s) AS v(%s)", strings.Join(arrays, ", "), strings.Join(names, ", "))
	s.pg = strings.NewReplacer("{rows}", rows, "{now}", "now()", "{lock}", "FOR UPDATE", "{skip locked}", "FOR UPDATE SKIP LOCKED",
		"{share}", "FOR SHARE OF t", "{skip shared}", "FOR SHARE OF t SKIP LOCKED").Replace(pg)
	if head, tail, ok := strings.Cut(lite, "RETURNING"); ok {
		lite = head
		for name := range strings.SplitSeq(tail, ",") {
			name = strings.TrimPrefix(strings.TrimSpace(name), "t.")
			column := slices.IndexFunc(cols, func(c Column) bool { return c.Name == name })
			if column < 0 && !strings.HasPrefix(lite, "INSERT") {
				panic("storage: statement returns " + name + ", which is not declared")
			}
			s.echo = append(s.echo, column)
		}
	}
	lite = vRef.ReplaceAllStringFunc(lite, func(ref string) string { return "?" + strconv.Itoa(s.index(ref[2:])+1) })
	s.dated = strings.Contains(lite, "{now}")
	s.lite = strings.NewReplacer("{now}", "?"+strconv.Itoa(len(cols)+1), "{lock}", "", "{skip locked}", "", "{share}", "", "{skip shared}", "").Replace(lite)
	return s
}

func (s *Statement) index(name string) int {
	i := slices.IndexFunc(s.cols, func(c Column) bool { return c.Name == name })
	if i < 0 {
		panic("storage: statement uses v." + name + ", which is not declared")
	}
	return i
}

func (s *Statement) column(name string) Column { return s.cols[s.index(name)] }

// Rows collects values for a statement, column by column in the declared order.
type Rows struct {
	width  int
	values []any
}

// Rows starts an empty set of rows.
func (s *Statement) Rows() *Rows { return &Rows{width: len(s.cols)} }

// Add appends one row; it panics when the number of values is wrong, which is a programming error.
func (r *Rows) Add(values ...any) {
	if len(values) != r.width {
		panic(fmt.Sprintf("storage: %d values for %d columns", len(values), r.width))
	}
	r.values = append(r.values, values...)
}

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.values) / max(r.width, 1) }
