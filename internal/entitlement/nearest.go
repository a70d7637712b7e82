package entitlement

import "strings"

// Nearest finds the known word that a misspelt one most likely stands for: the
// same but for case, or else the first of those with the fewest edits, at most
// a third of the word. ok is false if none is that near. Words over 64 bytes
// are not looked at.
func Nearest(given string, known []string) (word string, ok bool) {
	if len(given) > 64 {
		return "", false
	}
	best := len(given)/3 + 1
	for _, k := range known {
		if strings.EqualFold(given, k) {
			return k, true
		}
		if len(k) > 64 || len(k)-len(given) >= best || len(given)-len(k) >= best {
			continue
		}
		if d := distance(strings.ToLower(given), strings.ToLower(k)); d < best {
			best, word, ok = d, k, true
		}
	}
	return word, ok
}

// distance is Levenshtein's, over bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
