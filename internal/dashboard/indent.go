package dashboard

import (
	"bytes"
	"encoding/json"
)

// indented writes JSON over several lines. What is none is shown as it is.
func indented(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String()
}
