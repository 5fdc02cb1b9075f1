package llm

import (
	"math"
	"strconv"

	"github.com/incidenthub/incidenthub/providers"
)

// maxCount is more than any model takes; a larger number is nonsense and must not add up to an overflow.
const maxCount = 1 << 40

// Count is a number of tokens as an answer gives it. What is no whole number from 0 up is as good as missing: how many tokens an answer
// took never decides whether it is taken. The zero value is a missing one.
type Count struct {
	n     int64
	known bool
}

// UnmarshalJSON never fails.
func (c *Count) UnmarshalJSON(raw []byte) error {
	*c = Count{}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err == nil && f >= 0 && f <= maxCount && f == math.Trunc(f) {
		*c = Count{n: int64(f), known: true}
	}
	return nil
}

// Value is nil when the count is missing.
func (c Count) Value() *int64 {
	if !c.known {
		return nil
	}
	return &c.n
}

// Plus adds parts, those that are known. Without a count of its own it stays missing, whatever its parts are.
func (c Count) Plus(parts ...Count) Count {
	if !c.known {
		return c
	}
	for _, p := range parts {
		c.n += p.n
	}
	return c
}

// Or is c, or else another when c is missing.
func (c Count) Or(another Count) Count {
	if c.known {
		return c
	}
	return another
}

// Tokens makes the usage of an answer. A missing total is the sum of the two, if both are known.
func Tokens(prompt, completion, total Count) providers.Usage {
	if prompt.known && completion.known {
		total = total.Or(prompt.Plus(completion))
	}
	return providers.Usage{Prompt: prompt.Value(), Completion: completion.Value(), Total: total.Value()}
}
