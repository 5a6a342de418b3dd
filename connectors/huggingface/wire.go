package huggingface

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// repository is a row of a list, or one repository as it is now.
type repository struct {
	ID       string          `json:"id"`
	Author   string          `json:"author"`
	SHA      string          `json:"sha"`
	Created  moment          `json:"createdAt"`
	Modified moment          `json:"lastModified"`
	Private  *bool           `json:"private"`
	Disabled bool            `json:"disabled"`
	Gated    gating          `json:"gated"`
	Tags     []string        `json:"tags"`
	Library  string          `json:"library_name"`
	Pipeline string          `json:"pipeline_tag"`
	Card     json.RawMessage `json:"cardData"`
}

// revision is a repository at a commit, with its files.
type revision struct {
	SHA      string          `json:"sha"`
	Library  string          `json:"library_name"`
	Card     json.RawMessage `json:"cardData"`
	Siblings []sibling       `json:"siblings"`
}

// sibling is a file. What git itself holds has a blob; larger ones a SHA-256.
type sibling struct {
	Name string `json:"rfilename"`
	Size int64  `json:"size"`
	Blob string `json:"blobId"`
	LFS  *struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"lfs"`
}

// refs are the branches and tags of a repository.
type refs struct {
	Branches []ref `json:"branches"`
	Tags     []ref `json:"tags"`
}

type ref struct {
	Name   string `json:"name"`
	Target string `json:"targetCommit"`
}

// commit is one entry of a history.
type commit struct {
	ID      string `json:"id"`
	Date    moment `json:"date"`
	Authors []struct {
		User string `json:"user"`
	} `json:"authors"`
}

// gating is false, "auto" or "manual"; empty where the hub does not tell.
type gating string

func (g *gating) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		return nil
	case "true", "false":
		*g = gating(b)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("gated is neither a word nor yes or no")
	}
	*g = gating(records.Line(s, 40))
	return nil
}

// moment is a time in RFC 3339.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("a time that is no text")
	}
	if s == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return errors.New("a time that cannot be read")
	}
	m.Time = at.UTC()
	return nil
}

// isCommit reports whether s names a commit.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// decode reads one row.
func decode(path string, raw json.RawMessage, out any) error {
	if err := json.Unmarshal(raw, out); err != nil {
		why := "a row is not as documented"
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			why = "field " + records.Line(typ.Field, 60) + " holds another type"
		}
		return &rest.MalformedError{Path: path, Why: why}
	}
	return nil
}
