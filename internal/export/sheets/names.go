package sheets

import (
	"context"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// names knows by which names systems know a person, so that one person under
// two names is not taken for two. It compares as the expectations do: a
// person's own id comes first, and a name that two people have stands for
// nobody but itself.
type names struct {
	people map[string]string // form of a name to the form of the id
	shown  map[string]string // form of an id to the first name that is given
}

// named is what is read of a directory.names.
type named struct {
	Person string   `json:"person"`
	Names  []string `json:"names"`
}

// directory reads the names of all people.
func (b *Book) directory(ctx context.Context) (*names, error) {
	list, err := recordsOf[named](ctx, b, "directory.names")
	if err != nil {
		return nil, err
	}
	n := &names{people: map[string]string{}, shown: map[string]string{}}
	own, shared := map[string]bool{}, map[string]bool{}
	for _, r := range list {
		own[assess.NameForm(r.v.Person)] = true
	}
	for _, r := range list {
		id := assess.NameForm(r.v.Person)
		if len(r.v.Names) > 0 && !strings.Contains(r.v.Names[0], "@") {
			n.shown[id] = r.v.Names[0]
		}
		for _, name := range r.v.Names {
			name = assess.NameForm(name)
			if known, taken := n.people[name]; taken && known != id {
				shared[name] = true
			}
			if id != "" && name != "" && !own[name] {
				n.people[name] = id
			}
		}
	}
	for name := range shared {
		delete(n.people, name)
	}
	return n, nil
}

// person is the form in which a name is compared.
func (n *names) person(name string) string {
	form := assess.NameForm(name)
	if id, ok := n.people[form]; ok {
		return id
	}
	return form
}

func (n *names) same(a, b string) bool { return n.person(a) == n.person(b) }

// display is the name of a person as people write it, if it is on record.
func (n *names) display(id string) string { return n.shown[n.person(id)] }

// label is a name as it is on record, after that of the person as people
// write it, if that is another one.
func (n *names) label(name string) string {
	shown := n.display(name)
	if name == "" || shown == "" || assess.NameForm(shown) == assess.NameForm(name) {
		return name
	}
	return shown + " (" + name + ")"
}

func (n *names) labels(list []string) []string {
	out := make([]string, 0, len(list))
	for _, name := range list {
		out = append(out, n.label(name))
	}
	return out
}
