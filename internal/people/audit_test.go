package people

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// TestRetest: a retest says what the result said, whether the two agree, and
// whether whoever tested owns the item, however the name is spelt.
func TestRetest(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	ines := Person{ID: "ines", Account: "ines@host", Active: true}
	p := Policy{Directory: NewDirectory([]Known{{ID: "ines", Email: "ines@org.example"}, {ID: "marek"}})}
	for name, c := range map[string]struct {
		result, status, owner string
		hands                 []Hand
		agrees, independent   bool
	}{
		"pass of satisfied":   {Pass, "satisfied", "marek", nil, true, true},
		"fail of satisfied":   {Fail, "satisfied", "marek", nil, false, true},
		"pass of failing":     {Pass, "failing", "", nil, false, true},
		"fail of missing":     {Fail, "missing", "", nil, true, true},
		"one's own work":      {Pass, "satisfied", "ines", nil, true, false},
		"spelt in capitals":   {Pass, "satisfied", " INES ", nil, true, false},
		"fail of not known":   {Fail, "not_assessed", "", nil, true, true},
		"pass of what is due": {Pass, "due", "", nil, false, true},
		"one's own evidence":  {Pass, "satisfied", "marek", []Hand{{"marek", "", Began}, {"Ines", "", Imported}}, true, false},
		"by their own mail":   {Pass, "satisfied", "marek", []Hand{{"ines+audit@org.example", "", Began}}, true, false},
	} {
		r, rec, err := p.Retested(ines, Retest{Expectation: "x", About: evidence.Subject{Type: "change", ID: "1"}, Result: c.result, Status: c.status, Note: "seen"},
			Tested{Owner: c.owner, Hands: c.hands}, nil, now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.Agrees != c.agrees || r.Independent != c.independent || r.ID != "RT-2026-01" || rec.Key != r.ID || !rec.EventTime.Equal(now) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for name, r := range map[string]Retest{"no note": {Result: Pass, Note: " "}, "no result": {Note: "seen"}, "another result": {Result: "green", Note: "seen"}} {
		if _, _, err := p.Retested(ines, r, Tested{}, nil, now); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	ines.Active = false
	if _, _, err := p.Retested(ines, Retest{Result: Pass, Note: "seen"}, Tested{}, nil, now); err == nil {
		t.Error("who has left tests")
	}
	if _, _, err := Drawn(ines, Sample{}, now, nil, now); err == nil {
		t.Error("who has left draws")
	}
}

// TestDraws: draws are numbered and keep what they were drawn from.
func TestDraws(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	ines := Person{ID: "ines", Account: "ines@host", Active: true}
	first, _, err := Drawn(ines, Sample{Expectation: "x", Seed: "s"}, now, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	second, rec, err := Drawn(ines, Sample{Expectation: "x", Seed: "s", Population: "ab"}, now.Add(-time.Hour), []Sample{first}, now)
	if err != nil || first.ID != "S-2026-01" || second.ID != "S-2026-02" {
		t.Fatalf("%s, %s, %v", first.ID, second.ID, err)
	}
	back, err := ParseSample(evidence.Evidence{Payload: rec.Payload})
	if err != nil || back.Population != "ab" || !back.AsOf.Equal(now.Add(-time.Hour)) || back.DrawnBy != "ines" {
		t.Errorf("%+v, %v", back, err)
	}
}
