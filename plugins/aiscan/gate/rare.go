package gate

import "strings"

// rarer finds the rarest bytes of texts.
type rarer struct{ often map[string]bool }

func newRarer() rarer {
	r := rarer{map[string]bool{}}
	for four := range strings.SplitSeq(frequentFours, "|") {
		r.often[four] = true
	}
	for _, two := range strings.Fields(frequentTwos + seldomTwos) {
		r.often[two] = true
	}
	return r
}

// rarest returns where the four bytes begin that are rarest in source code.
func (r rarer) rarest(n string) int {
	best, at := -1, 0
	for i := 0; i+4 <= len(n); i++ {
		rank := 0
		for j := i; j < i+4; j++ {
			rank += rarity(n[j])
			if j > i {
				rank += r.pair(n[j-1 : j+1])
			}
		}
		if r.often[n[i:i+4]] {
			rank /= 4
		}
		if rank > best {
			best, at = rank, i
		}
	}
	return at
}

// frequent are the bytes of source code by how often they stand there, the
// most frequent first, roughly.
const frequent = " etainosrlcdupmf_(),.\n\t\"=h-:g/b;0y1v'{}w2>[]kx*<SETACIR3N4L"

func rarity(c byte) int {
	if i := strings.IndexByte(frequent, c); i >= 0 {
		return 2 + i/3
	}
	return 24
}

// Pairs that words often have.
const (
	frequentTwos = " er re in te st on en es or ti at ar nt se ing de al co ed me ro is it ra th he io le ur et ne ta pe to ce il el li ct as ot ut om ma ch pr un ub po "
	seldomTwos   = " qu wh mp im rt fr us ri ve ec ss ll ow ic ge na ag "
)

// pair is what two bytes beside one another add: a pair that words often have
// takes away, one that they never have adds.
func (r rarer) pair(two string) int {
	lower := func(c byte) bool { return c >= 'a' && c <= 'z' }
	switch {
	case r.often[two]:
		return -7
	case lower(two[0]) && lower(two[1]) && !strings.ContainsAny(two, "aeiouy"):
		return 6
	default:
		return 0
	}
}

// frequentFours are parts of words that programs and licences are made of.
const frequentFours = "|impo|mpor|port|ort |from|rom |use |sing|ing |quir|uire|ire(|libr|rary|ary(|ope |pen |stat|atic|tic |alia|lias|crat|rate|ate |mode|odel|api.|.com|com/|chat|http|tps:|/www|_API|API_|_KEY|_TOK|OKEN|TOKE|_URL|BASE|github|ithu|thub|hub.|oogl|goog|ogle|gle.|service|serv|ervi|rvic|vice|clie|lien|ient|ion/|tion|comm|omma|mman|mand|and |text|embe|mbed|ngin|engi|inte|nter|agen|gent|ains|lang|aws/|sdk-|-sdk|amaz|mazo|azon|zona|micr|icro|cros|roso|osof|soft|.mic|oft.|java|avax|org.|.org|name|ame |"
