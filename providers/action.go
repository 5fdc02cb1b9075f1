package providers

import "strings"

// IsCommand tells an action that is typed into a shell from one that is said: sentences begin with a capital.
func IsCommand(action string) bool {
	word, _, more := strings.Cut(action, " ")
	return word != "" && word == strings.ToLower(word) && (more || strings.Contains(word, "/"))
}
