package grants

import "testing"

// Names that are words too say less than others: an address elsewhere, or a
// publisher called alike, is another company.
func TestOrdinaryNames(t *testing.T) {
	m := matcher(t)
	told := func(a App) bool {
		f, ok := m.Match(a)
		return ok && f.Confidence != Unresolved
	}
	for _, a := range []App{
		{Name: "Cursor", Addresses: []string{"https://cursor.northwind.internal/acs"}},
		{Name: "Jasper", Addresses: []string{"https://jasper.example.org/saml"}},
		{Name: "Harvey (Prod)", Addresses: []string{"https://hr.acme.example/acs"}},
		{Name: "Parcel tracker", Publisher: "Writer Corporation", Verified: true},
		{Name: "Lab portal", Publisher: "Gamma Group", Verified: true},
		{Name: "Loans", Publisher: "Together Financial", Verified: true},
		{Name: "Loans", Publisher: "Together Group", Verified: true},
		{Name: "Trips", Publisher: "Voyage International", Verified: true},
		{Name: "Mining", Publisher: "Jasper Holdings, Inc.", Verified: true},
		{Name: "Crossword", Publisher: "Perplexity Ltd", Verified: true},
	} {
		if told(a) {
			f, _ := m.Match(a)
			t.Errorf("%+v is told as %s, %s, by %v", a, f.ID, f.Confidence, f.Signals)
		}
	}
	for _, a := range []App{
		{Name: "Cursor", Addresses: []string{"https://auth.workos.com/sso/saml/acs/1"}},
		{Name: "Cursor"},
		{Name: "Writer", Addresses: []string{"https://app.writer.com/acs"}},
		{Name: "Jasper", Addresses: []string{"http://localhost:8000", "https://jasper.us.auth0.com/login/callback"}},
		{Name: "ChatGPT", Addresses: []string{"https://sso.northwind.example/start"}},
		{Name: "Cohere", Publisher: "Cohere Inc.", Verified: true},
		{Name: "Search", Publisher: "Perplexity AI, Inc.", Verified: true},
		{Name: "Uploader", Publisher: "OpenAI Ireland Limited", Verified: true},
		{Name: "Harvey", Publisher: "Counsel AI Corporation", Verified: false},
	} {
		if !told(a) {
			t.Errorf("%+v is not told", a)
		}
	}
}
