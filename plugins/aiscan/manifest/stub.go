package manifest

import "github.com/exhibit-aims/exhibit/plugins/aiscan/fact"

const attrAlias = "alias"

func formatOf(string) *format                    { return nil }
func command(string, int) []fact.Fact            { return nil }
func script(string, []byte) ([]fact.Fact, error) { return nil, nil }
func resolve(map[string][]fact.Fact)             {}
func plainName(s string) (string, bool)          { return s, false }
func plainVersion(s string) (string, bool)       { return s, false }
func (f *file) load(b []byte, _ bool) bool       { f.text = b; return len(b) <= maxSize }
