package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// sameSize compares the sizes of a part with those of the entry, before
// anything of it is read: what was not sealed is not unpacked.
func sameSize(p seal.Part, e zipform.Entry) (expected, found string) {
	if p.Size == e.Size && p.PackedSize == e.Packed {
		return "", ""
	}
	return fmt.Sprintf("%d bytes, packed %d", p.Size, p.PackedSize), fmt.Sprintf("%d, packed %d", e.Size, e.Packed)
}

// timeText is an instant as exports write it.
func timeText(t time.Time) string { return export.Time(t) }

// decodeOnce decodes the one JSON value that r holds, and refuses it if any
// object in it has a member twice, in whatever case: two readers could take it
// for two different things.
func decodeOnce(r io.Reader, to any) error {
	watched, w := io.Pipe()
	checked := make(chan error, 1)
	go func() {
		err := onlyOnce(watched)
		watched.CloseWithError(err) // what is written from now on is not read
		checked <- err
	}()
	src := io.TeeReader(r, w)
	dec := json.NewDecoder(src)
	err := dec.Decode(to)
	if err == nil {
		_, err = io.Copy(io.Discard, src)
	}
	w.CloseWithError(err)
	if once := <-checked; once != nil {
		return once
	}
	return err
}

// onlyOnce goes through the tokens of one JSON value.
func onlyOnce(r io.Reader) error {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if err := members(dec); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}

// level is an object or a list that is open.
type level struct {
	names map[string]bool // nil in a list
	value bool            // in an object: a value comes next
}

func members(dec *json.Decoder) error {
	var open []level
	for {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		if err := name(open, t); err != nil {
			return err
		}
		switch t {
		case json.Delim('{'):
			open = append(open, level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return nil
		}
	}
}

// name takes a token of an object that is a member's name.
func name(open []level, t json.Token) error {
	if len(open) == 0 || open[len(open)-1].names == nil || t == json.Delim('}') {
		return nil
	}
	top := &open[len(open)-1]
	if top.value = !top.value; !top.value {
		return nil
	}
	s, _ := t.(string)
	folded := strings.ToLower(s)
	if top.names[folded] {
		return fmt.Errorf("the member %s twice", clip(s))
	}
	top.names[folded] = true
	return nil
}
