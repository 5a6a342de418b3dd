package people

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Part is what somebody had to do with a record that waits for a second person.
type Part int

// The parts that people have. Each keeps them from deciding on the record.
const (
	Began    Part = iota // asked for it, proposed it, handed it in
	Imported             // brought the file, or pushed it
	Named                // stands in a file beside who handed it in; counts if it is somebody's name
)

func (p Part) String() string {
	if p == Imported {
		return "imported"
	}
	return "began"
}

// Hand is somebody's part in one revision of a record, under an account if one
// is known. Without a person nobody can tell whose it is.
type Hand struct {
	Person, Account string
	Part            Part
}

// How the runs of imports and pushes are named.
const (
	importConnector = "import"
	methodUpload    = "upload"
	methodPush      = "push"
)

// HandsOn names everybody who had a part in one revision of a record: whom its
// payload names, and who made or brought it as its run says. What a connector
// read, nobody handed in. The payload of an upload or a statement is needed.
func HandsOn(e evidence.Evidence, from evidence.Provenance) ([]Hand, error) {
	began, written, err := beganBy(e)
	if err != nil {
		return nil, err
	}
	var out []Hand
	if written {
		out = append(out, began)
	}
	id, account := SplitIdentity(from.Identity)
	switch {
	case from.Source == Source && !written:
		out = append(out, Hand{id, account, Began})
	case from.Connector != importConnector:
	case from.Method == methodPush && from.ImportedBy == "":
		out = append(out, Hand{"", from.Identity, Imported})
	default:
		switch {
		case from.Method == methodUpload && written:
			out = append(out, Hand{began.Person, account, Began}, Hand{id, "", Named})
		case from.Method == methodUpload:
			out = append(out, Hand{id, account, Began})
		default:
			out = append(out, Hand{id, "", Named})
		}
		id, account := SplitIdentity(from.ImportedBy)
		out = append(out, Hand{id, account, Imported})
	}
	return out, nil
}

// beganBy reads from the payload of an upload or a statement who began it, since
// a decision is a revision of it too, made by whoever decided.
func beganBy(e evidence.Evidence) (first Hand, written bool, err error) {
	if e.Kind != KindStatement && e.Kind != KindUpload || e.Payload == nil {
		return first, false, nil
	}
	var p struct {
		ProposedBy      string `json:"proposed_by"`
		ProposedAccount string `json:"proposed_account"`
		Uploader        string `json:"uploader"`
		UploaderAccount string `json:"uploader_account"`
	}
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return first, false, fmt.Errorf("%s %s: %w", e.Kind, e.Key, err)
	}
	if e.Kind == KindStatement {
		return Hand{p.ProposedBy, p.ProposedAccount, Began}, true, nil
	}
	return Hand{p.Uploader, p.UploaderAccount, Began}, true, nil
}

// may decides whether a person may approve, reject or accept what others had a
// part in: all of them, in whichever revision. A person is never the second one
// of what they had a part in, under no name that the register has for them, and
// by no account; and where it cannot be told whose part it was, nobody is.
func (p Policy) may(who Person, act Act, hands []Hand) error {
	if !who.Active {
		return refuse("an active person of the register has to decide", "%s is not active", who.ID)
	}
	for _, h := range hands {
		if err := p.second(who, h); err != nil {
			return err
		}
	}
	return p.holdsRole(who, act)
}

func (p Policy) second(who Person, h Hand) error {
	theirs := p.Directory.same(who.ID, h.Person)
	switch {
	case h.Part == Named && !theirs:
		return nil
	case blank(h.Person) && h.Part == Imported:
		return refuse("hand it in with exhibit review submit, under a key of its own", "nobody can tell who imported it: it cannot be told whether somebody else accepts it")
	case blank(h.Person):
		return refuse("ask for it anew, as a person of the register", "nobody is named who began it")
	case theirs:
		return refuse("another person of the register has to decide, who had no part in any revision of it", "%s %s it and cannot decide on it", called(who.ID, h.Person), h.Part)
	case !p.Directory.Knows(h.Person):
		return refuse("hand it in or ask for it anew, under a key of its own and as a person of the register",
			"%q, who had a part in it, is no person of the register: it cannot be told whether somebody else decides", h.Person)
	case (!p.SharedAccount || !ofMachine(who.Account)) && h.Account != "" && h.Account == who.Account:
		remedy := "the second person uses an account of their own; where all share one, set people.shared_account: true"
		if h.Part == Imported {
			return refuse(remedy, "it was imported under the account that %s uses, %s: that shows one person", who.ID, who.Account)
		}
		return refuse(remedy, "%s and %s used the same account, %s: that shows one person", h.Person, who.ID, who.Account)
	}
	return nil
}

// called names a person, and how the record does if that differs.
func called(id, name string) string {
	if Same(id, name) {
		return id
	}
	return fmt.Sprintf("%s, who is %q by name or mailbox,", id, name)
}

// had reports whether a person, or a login that is theirs, had a part in something.
func (p Policy) had(who Person, hands []Hand) bool {
	return slices.ContainsFunc(hands, func(h Hand) bool {
		return p.Directory.same(who.ID, h.Person) || h.Account == who.Account && !ofMachine(h.Account)
	})
}
