package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

func numberFilters() map[string]filter {
	return map[string]filter{
		"int": {params: []string{"default"}, do: func(c *use) (any, error) {
			if n, ok := toNumber(c.in); ok {
				return toInt(n), nil
			}
			return c.instead(int64(0)), nil
		}},
		"float": {params: []string{"default"}, do: func(c *use) (any, error) {
			if n, ok := toNumber(c.in); ok {
				return n, nil
			}
			return c.instead(0.0), nil
		}},
		"abs": {do: func(c *use) (any, error) {
			switch n := c.in.(type) {
			case int64:
				return max(n, -n), nil
			case float64:
				return math.Abs(n), nil
			}
			return nil, c.fail("abs takes a number")
		}},
		"round": {params: []string{"precision", "method"}, do: round},
		"mul": {params: []string{"by"}, need: 1, do: func(c *use) (any, error) {
			x, okX := number(c.in)
			y, okY := number(c.args[0])
			if !okX || !okY {
				return nil, c.fail("mul takes numbers")
			}
			i, wholeX := c.in.(int64)
			j, wholeY := c.args[0].(int64)
			if wholeX && wholeY && math.Abs(x*y) < 1<<62 {
				return i * j, nil
			}
			return x * y, nil
		}},
		"sum":            {params: []string{"attribute", "start"}, do: sum},
		"min":            {params: []string{"case_sensitive", "attribute"}, do: extreme(0)},
		"max":            {params: []string{"case_sensitive", "attribute"}, do: extreme(-1)},
		"filesizeformat": {params: []string{"binary"}, do: fileSize},
	}
}

func (c *use) instead(v any) any {
	if c.has(0) {
		return c.args[0]
	}
	return v
}

// toNumber also reads what a text spells.
func toNumber(v any) (float64, bool) {
	if s, ok := plainText(v); ok {
		n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return number(v)
}

func round(c *use) (any, error) {
	n, ok := toNumber(c.in)
	if !ok {
		return nil, c.fail("round takes a number")
	}
	places, err := c.size(0, 0)
	if err != nil {
		return nil, err
	}
	method, err := c.word(1, "common")
	if err != nil {
		return nil, err
	}
	by := math.Pow10(min(places, 15))
	switch method {
	case "ceil":
		return math.Ceil(n*by) / by, nil
	case "floor":
		return math.Floor(n*by) / by, nil
	default:
		return math.Round(n*by) / by, nil
	}
}

func sum(c *use) (any, error) {
	list, of, err := c.listBy(0)
	if err != nil {
		return nil, err
	}
	total := any(int64(0))
	if c.has(1) {
		total = c.args[1]
	}
	for _, v := range list {
		v = of(v)
		if _, ok := number(v); !ok {
			continue
		}
		if total, err = c.operate(tokens.Addition, total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func extreme(i int64) func(c *use) (any, error) {
	return func(c *use) (any, error) {
		list, key, err := c.listBy(1)
		if err != nil {
			return nil, err
		}
		list, err = c.sortBy(list, false, c.flag(0), key)
		if at, ok := index(i, len(list)); ok && err == nil {
			return list[at], nil
		}
		return "", err
	}
}

func fileSize(c *use) (any, error) {
	n, ok := toNumber(c.in)
	if !ok {
		return nil, c.fail("filesizeformat takes a number")
	}
	base, units := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	if c.flag(0) {
		base, units = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	}
	if math.Abs(n) < base {
		return strconv.FormatFloat(n, 'f', 0, 64) + " Bytes", nil
	}
	i := -1
	for math.Abs(n) >= base && i < len(units)-1 {
		n /= base
		i++
	}
	return strconv.FormatFloat(n, 'f', 1, 64) + " " + units[i], nil
}

// toJSON writes a value as JSON, with <, > and & escaped. It counts before it writes: a value can hold another many times.
func toJSON(c *use) (any, error) {
	if err := c.weigh(c.in, 0); err != nil { // an Object is a map by now
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	n, err := c.size(0, 0)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		enc.SetIndent("", strings.Repeat(" ", min(n, 8)))
	}
	if err := enc.Encode(c.in); err != nil {
		return nil, c.fail("cannot be written as JSON")
	}
	s := strings.TrimSuffix(b.String(), "\n")
	if c.mode.JSON {
		return made(s), nil
	}
	return s, nil
}

// weigh counts all parts of a value.
func (c *use) weigh(v any, depth int) error {
	if depth > MaxNesting {
		return c.fail("goes deeper than %d levels", MaxNesting)
	}
	if err := c.grow(4 + sizeOf(v)); err != nil {
		return err
	}
	switch x := v.(type) {
	case nil, bool, int64, float64, string, made:
	case []any:
		for _, item := range x {
			if err := c.weigh(item, depth+1); err != nil {
				return err
			}
		}
	default: // no plain data, whose form as JSON is nobody's to see
		return c.fail("cannot be written as JSON")
	case map[string]any:
		for k, item := range x {
			if err := c.grow(len(k)); err != nil {
				return err
			}
			if err := c.weigh(item, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// format is Python's %: %s %d %i %f %x %e %g %%, with flags, a width and a precision of at most MaxNumber.
func format(c *use) (any, error) {
	f, err := c.str()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	next := 0
	for {
		i := strings.IndexByte(f, '%')
		if i < 0 {
			b.WriteString(f)
			return b.String(), nil
		}
		b.WriteString(f[:i])
		f = f[i+1:]
		verb := strings.IndexFunc(f, func(r rune) bool { return !strings.ContainsRune("0123456789.+- #", r) })
		if verb < 0 {
			return nil, c.fail("format ends after a %%")
		}
		spec, letter := f[:verb], f[verb]
		f = f[verb+1:]
		if letter == '%' {
			b.WriteByte('%')
			continue
		}
		for part := range strings.FieldsFuncSeq(spec, func(r rune) bool { return r < '0' || r > '9' }) {
			if n, err := strconv.Atoi(part); err != nil || n > MaxNumber {
				return nil, c.fail("a width of format must be at most %d", MaxNumber)
			}
		}
		if next >= len(c.args) {
			return nil, c.fail("format has more %% than values")
		}
		piece, err := c.verb(spec, letter, c.args[next])
		if err != nil {
			return nil, err
		}
		next++
		b.WriteString(piece)
		if b.Len() > MaxValue {
			return nil, c.fail("format makes a text of more than %d bytes", MaxValue)
		}
	}
}

func (c *use) verb(spec string, letter byte, v any) (string, error) {
	switch letter {
	case 's':
		s, err := c.text(v)
		return fmt.Sprintf("%"+spec+"s", s), err
	case 'd', 'i', 'x', 'X', 'o':
		n, ok := toNumber(v)
		if !ok {
			return "", c.fail("format wants a number for %%%c", letter)
		}
		if letter == 'i' {
			letter = 'd'
		}
		return fmt.Sprintf("%"+spec+string(letter), toInt(n)), nil
	case 'f', 'F', 'e', 'E', 'g', 'G':
		n, ok := toNumber(v)
		if !ok {
			return "", c.fail("format wants a number for %%%c", letter)
		}
		return fmt.Sprintf("%"+spec+string(letter), n), nil
	default:
		return "", c.fail("format does not know %%%s", strconv.QuoteRune(rune(letter)))
	}
}
