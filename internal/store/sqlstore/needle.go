package sqlstore

import "bytes"

// needle is a text that lines are searched for, by the byte of it that is the
// rarest in them. To look for a text by how it begins costs more than to unpack
// the lines: here all begin with a quotation mark, as everything in a line does.
type needle struct {
	text []byte
	rare int // place of the byte
}

// newNeedle takes what is rare from a sample of lines. It decides what a search
// costs, not what it finds.
func newNeedle(text, sample []byte) needle {
	n, least := needle{text: text}, len(sample)+1
	for i := range text {
		if bytes.IndexByte(text[:i], text[i]) >= 0 {
			continue
		}
		if found := bytes.Count(sample, text[i:i+1]); found < least {
			n.rare, least = i, found
		}
	}
	return n
}

// mostMisses is how many bytes of a text there are for each place of the byte
// that is another's, before the text is looked for as a whole.
const mostMisses = 16

// in reports whether the needle is in a text.
func (n *needle) in(text []byte) bool {
	misses := len(text)/mostMisses + 4
	for at := n.rare; at < len(text); at++ {
		i := bytes.IndexByte(text[at:], n.text[n.rare])
		if i < 0 {
			return false
		}
		at += i
		from := text[at-n.rare:]
		if bytes.HasPrefix(from, n.text) {
			return true
		}
		if misses--; misses == 0 {
			return bytes.Contains(from[1:], n.text)
		}
	}
	return false
}
