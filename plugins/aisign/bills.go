package aisign

import (
	"slices"
	"strings"
)

// buildBills takes services apart into words, so that they are found within the
// line of an invoice. One word is too little for that.
func (s *Set) buildBills() {
	s.bills = &phrases{first: map[string][]phrase{}}
	s.names("costs", func(l *Lists) []string { return l.Costs }, func(e entry) {
		if p := (phrase{e, words(e.text, false)}); len(p.words) > 1 {
			s.bills.first[p.words[0]] = append(s.bills.first[p.words[0]], p)
		}
	})
}

// Bill returns which services of AI a line of a cloud's invoice names among
// others: the words of an entry, one after the other, anywhere in it. The line or
// the biller has to name the cloud too: other companies teach, print and repair
// "machine learning services". The longest entry comes first.
func (s *Set) Bill(biller, line string) []Match {
	if len(biller)+len(line) > 4096 {
		return nil
	}
	all := words(line, false)
	named := append(words(biller, false), all...)
	var spans []span
	for at := range all {
		for _, p := range s.bills.first[all[at]] {
			if slices.ContainsFunc(cloudWords(p.sig.Vendor), func(w string) bool { return slices.Contains(named, w) }) {
				spans = p.at(all, at, spans)
			}
		}
	}
	slices.SortStableFunc(spans, func(a, b span) int { return (b.to - b.from) - (a.to - a.from) })
	var out []Match
	for _, a := range spans {
		if m := a.match(); !a.within(spans) && !slices.ContainsFunc(out, func(o Match) bool { return o.Signature == m.Signature }) {
			m.Doubt = m.Doubt || tradeIn(all, a)
			out = append(out, m)
		}
	}
	return out
}

// cloudWords are words that bills name a vendor of services by.
func cloudWords(vendor string) []string {
	switch vendor {
	case "Amazon Web Services":
		return []string{"AMAZON", "AWS"}
	case "Microsoft":
		return []string{"MICROSOFT", "MSFT", "AZURE"}
	case "Google":
		return []string{"GOOGLE", "GCP"}
	case "Oracle":
		return []string{"ORACLE", "OCI"}
	}
	all := words(vendor, false)
	return all[:min(1, len(all))]
}

// tradeIn reports whether a charge names a trade that has nothing to do with AI
// behind the words of an entry: FIREFLIES BAR is one. After NEW, a place goes on:
// BOLT NEW YORK.
func tradeIn(all []string, a span) bool {
	rest := all[a.to:]
	if all[a.to-1] == "NEW" && len(rest) > 0 && slices.Contains([]string{"YORK", "ORLEANS", "JERSEY", "DELHI", "ZEALAND", "HAVEN", "MEXICO", "HAMPSHIRE"}, rest[0]) {
		return true
	}
	return slices.ContainsFunc(rest, trade)
}

// trade reports whether a word names what shops, kitchens, doctors and the like
// do, and makers of software do not.
func trade(word string) bool {
	switch strings.TrimSuffix(word, "S") {
	case "CAFE", "CAFÉ", "COFFEE", "RESTAURANT", "RESTAURANTE", "RISTORANTE", "TRATTORIA", "BISTRO", "BRASSERIE", "BAR", "PUB", "TAVERN", "GRILL", "KITCHEN", "DINER",
		"PIZZA", "PIZZERIA", "SUSHI", "BURGER", "BAKERY", "BOULANGERIE", "PATISSERIE", "BÄCKEREI", "BAECKEREI", "DELI", "CATERING", "BREWERY", "BREWING", "WINE", "WINERY",
		"HOTEL", "INN", "HOSTEL", "LODGE", "RESORT", "SPA", "SALON", "BARBER", "NAIL", "PET", "VETERINARY", "HEALTH", "HEALTHCARE", "CLINIC", "DENTAL", "PHARMACY", "HOSPITAL",
		"BOOK", "BOOKSHOP", "BOOKSTORE", "PUZZLE", "TOY", "GALLERY", "GALERIE", "MUSEUM", "ZOO", "TRAVEL", "TOUR", "TAXI", "AIRLINE", "AVIATION", "AIRWAY", "RENTAL", "DIVING",
		"FITNESS", "GYM", "YOGA", "FARM", "GARDEN", "FLOWER", "FLORIST", "FASHION", "BOUTIQUE", "JEWELRY", "JEWELLER", "FURNITURE", "PLUMBING", "ROOFING", "CONSTRUCTION",
		"REALTY", "CHURCH", "SCHOOL", "KINDERGARTEN", "NURSERY", "LAUNDRY", "GARAGE", "MOTOR", "COLLIERY", "CANDLE", "CLOTHING", "BEAUTY", "LIGHTING":
		return true
	}
	return false
}
