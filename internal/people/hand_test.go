package people_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

var office = people.NewDirectory([]people.Known{
	{ID: "marek", Email: "marek@org.example", Names: []string{"Marek Nowak", "mnowak"}},
	{ID: "ines", Email: "ines@org.example", Names: []string{"Ines Alves", "desk"}},
	{ID: "sade", Email: "sade@org.example", Names: []string{"desk"}},
	{ID: "m.nowak-2", Email: "Marek+exhibit@org.example"},
	{ID: "m3", Email: "mar\u200bek@org.example"},
	{ID: "ren\u00e9", Email: "rene@org.example"},
})

// TestWhoHadAPart: the cases of the rule of the second person, as the doc lists
// them. What is reviewed is an upload that sade handed in; the hand is the part
// that somebody had in an earlier revision, or in what it rests on.
func TestWhoHadAPart(t *testing.T) {
	const login = "oidc:https://id.example#7"
	for name, c := range map[string]struct {
		hand    people.Hand
		who     people.Person
		shared  bool
		refused string // empty: may accept
	}{
		"nobody else":                            {people.Hand{Person: "sade", Account: "sade@host"}, marek, false, ""},
		"another one handed in an earlier form":  {people.Hand{Person: "ines", Account: "ines@host"}, marek, false, ""},
		"who handed in an earlier form":          {people.Hand{Person: "marek", Account: "marek@host"}, marek, false, "began it"},
		"under another account":                  {people.Hand{Person: "marek", Account: login}, marek, false, "began it"},
		"who imported an earlier form":           {people.Hand{Person: "marek", Part: people.Imported}, marek, false, "imported it"},
		"in other letters":                       {people.Hand{Person: "MAREK."}, marek, false, "began it"},
		"by the name that is displayed":          {people.Hand{Person: "marek  nowak"}, marek, false, "began it"},
		"by a login that the register knows":     {people.Hand{Person: "@mNowak"}, marek, false, "began it"},
		"by the address":                         {people.Hand{Person: "marek@org.example"}, marek, false, "began it"},
		"by an alias of the address":             {people.Hand{Person: "Marek+audit@ORG.example"}, marek, false, "began it"},
		"by a second entry with the same mail":   {people.Hand{Person: "m.nowak-2"}, marek, false, "began it"},
		"by one with what cannot be seen in it":  {people.Hand{Person: "m3"}, marek, false, "began it"},
		"by a mark that shows nothing":           {people.Hand{Person: "mar\ufe0fek"}, marek, false, "began it"},
		"a letter in two parts is known":         {people.Hand{Person: "rene\u0301"}, marek, false, ""},
		"by a look-alike":                        {people.Hand{Person: "m\u0430rek"}, marek, false, "no person of the register"},
		"in letters of full width":               {people.Hand{Person: "\uff4darek"}, marek, false, "no person of the register"},
		"by a name that two people have":         {people.Hand{Person: "desk"}, marek, false, "no person of the register"},
		"by an id that nobody has any more":      {people.Hand{Person: "mn"}, marek, false, "no person of the register"},
		"nobody can tell who":                    {people.Hand{Account: "ci@host"}, marek, false, "nobody is named"},
		"nobody can tell who imported":           {people.Hand{Account: "ci@host", Part: people.Imported}, marek, false, "nobody can tell who imported"},
		"another person from one account":        {people.Hand{Person: "ines", Account: "marek@host"}, marek, false, "same account"},
		"where accounts of a machine are shared": {people.Hand{Person: "ines", Account: "marek@host"}, marek, true, ""},
		"one login is never shared":              {people.Hand{Person: "ines", Account: login}, people.Person{ID: "marek", Account: login, Active: true}, true, "same account"},
		"who stands in the file beside":          {people.Hand{Person: "Marek Nowak", Part: people.Named}, marek, false, "began it"},
		"a form that stands in the file beside":  {people.Hand{Person: "upload form", Part: people.Named}, marek, false, ""},
	} {
		p := people.Policy{SharedAccount: c.shared, Directory: office}
		u := people.Upload{ID: "UP-1", Source: people.Source, Uploader: "sade", UploaderAccount: "sade@host", Hands: []people.Hand{c.hand}}
		_, err := p.Review(c.who, u, people.Accepted, "", now)
		var r *people.Refusal
		if c.refused == "" && err != nil || c.refused != "" && (!errors.As(err, &r) || !strings.Contains(err.Error(), c.refused) || r.Hint() == "") {
			t.Errorf("%s: %v, want %q", name, err, c.refused)
		}
	}
}

// TestTogether: the register learns which of its entries count as one person.
func TestTogether(t *testing.T) {
	got := office.Together([]string{"marek", "ines", "sade", "m.nowak-2", "m3", "ren\u00e9"})
	if len(got) != 1 || strings.Join(got[0], " ") != "marek m.nowak-2 m3" {
		t.Errorf("%q", got)
	}
}

// TestHandsOn: who had a part in a revision, by how it came.
func TestHandsOn(t *testing.T) {
	const upload = `{"upload_id":"UP-1","uploader":"sade","uploader_account":"sade@host","reviewer":"ines"}`
	run := func(connector, method, identity, by string) evidence.Provenance {
		p := evidence.Provenance{Source: "s", Connector: connector, Method: method, Identity: identity, ImportedBy: by}
		if connector == people.Source {
			p.Source = people.Source
		}
		return p
	}
	for name, c := range map[string]struct {
		kind, payload string
		from          evidence.Provenance
		want          string
	}{
		"a connector":        {"risk.acceptance", `{}`, run("jira", "api", "bot@org.example", ""), ""},
		"a command":          {"risk.acceptance", `{}`, run("people", "upload", "marek (marek@host)", ""), "marek/marek@host"},
		"a review":           {people.KindUpload, upload, run("people", "command", "ines (ines@host)", ""), "sade/sade@host"},
		"a proposal":         {people.KindStatement, `{"proposed_by":"marek","proposed_account":"a@h","approved_by":"ines"}`, run("people", "command", "ines (ines@host)", ""), "marek/a@h"},
		"an import":          {"risk.acceptance", `{}`, run("import", "file", "grc", "marek (marek@host)"), "grc/ named, marek/marek@host imported"},
		"an import by whom?": {"risk.acceptance", `{}`, run("import", "file", "", "(marek@host)"), "/ named, /marek@host imported"},
		"handed in":          {"risk.acceptance", `{}`, run("import", "upload", "sade (marek@host)", "marek (marek@host)"), "sade/marek@host, marek/marek@host imported"},
		"an upload":          {people.KindUpload, upload, run("import", "upload", "form (marek@host)", "marek (marek@host)"), "sade/sade@host, sade/marek@host, form/ named, marek/marek@host imported"},
		"a push":             {"risk.acceptance", `{}`, run("import", "push", "oidc:x#1", "ines (oidc:x#1)"), "oidc:x#1/ named, ines/oidc:x#1 imported"},
		"a push of old":      {"risk.acceptance", `{}`, run("import", "push", "oidc:x#1", ""), "/oidc:x#1 imported"},
	} {
		hands, err := people.HandsOn(evidence.Evidence{Kind: c.kind, Key: "k", Payload: []byte(c.payload)}, c.from)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, h := range hands {
			got = append(got, h.Person+"/"+h.Account+map[people.Part]string{people.Imported: " imported", people.Named: " named"}[h.Part])
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
	if _, err := people.HandsOn(evidence.Evidence{Kind: people.KindUpload, Payload: []byte("[")}, evidence.Provenance{}); err == nil {
		t.Error("what cannot be read was begun by nobody")
	}
}
