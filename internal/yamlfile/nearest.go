package yamlfile

// Nearest returns the name that word is probably a misspelling of, or "".
func Nearest(word string, names []string) string {
	best, bestDistance := "", max(1, (len(word)+1)/3)+1
	for _, n := range names {
		if d := distance(word, n, bestDistance); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance counts the single-character edits from a to b, up to limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			current[j+1] = min(current[j]+1, previous[j+1]+1, previous[j]+cost)
		}
		previous = current
	}
	return previous[len(b)]
}
