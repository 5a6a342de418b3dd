package api

import "regexp"

// A refusal speaks of options of the command line, where each is made. Here they
// are fields of the body, some by another name.
var (
	option  = regexp.MustCompile(`(^|[^a-z])--([a-z][a-z-]*)`)
	renamed = map[string]string{"system": "source_system", "method": "capture_method", "captured-at": "captured_at", "event-time": "claimed_event_time",
		"from": "claimed_period_start", "to": "claimed_period_end", "compensating": "compensating_controls"}
)

// asFields says what is refused in the words of a body.
func asFields(s string) string {
	return option.ReplaceAllStringFunc(s, func(found string) string {
		m := option.FindStringSubmatch(found)
		if name, ok := renamed[m[2]]; ok {
			return m[1] + name
		}
		return m[1] + m[2]
	})
}
