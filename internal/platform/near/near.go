// Package near finds what somebody probably meant by a word that is not known.
package near

import "strings"

// longest is how much of a word is looked at, in characters: what is longer is no slip of the hand.
const longest = 80

// Word returns the known word with the least edit distance, "" when none is close. It takes words from outside, of any length.
func Word(word string, known []string) string {
	lower := strings.ToLower(strings.TrimSpace(word))
	if r := []rune(lower); len(r) > longest {
		return ""
	}
	limit := max(2, len(lower)/3)
	if len(lower) <= 3 {
		limit = 1
	}
	best, bestAt := "", limit+1
	for _, k := range known {
		if len(lower) > 3 && strings.HasPrefix(k, lower) {
			return k
		}
		if d := distance(lower, strings.ToLower(k)); d < bestAt && d < len(k) {
			best, bestAt = k, d
		}
	}
	return best
}

// distance is the edit distance with swapped neighbours counted once.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	prev2, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(y)]
}
