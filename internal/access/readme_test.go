package access_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// TestReadmeTables: the tables of the page are those of the program.
func TestReadmeTables(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"roles": roleTable(), "permissions": permissionTable()} {
		_, rest, found := strings.Cut(string(text), "<!-- "+name+" -->\n")
		got, _, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended || got != want {
			t.Errorf("README.md, between <!-- %s --> and <!-- end -->, want:\n%s", name, want)
		}
	}
}

func roleTable() string {
	var b strings.Builder
	b.WriteString("| permission |")
	for _, r := range access.Roles() {
		b.WriteString(" " + string(r.Role) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(access.Roles())) + "\n")
	for _, p := range access.Permissions() {
		b.WriteString("| `" + string(p.Permission) + "` |")
		for _, r := range access.Roles() {
			if r.Role.Allows(p.Permission) {
				b.WriteString(" yes |")
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func permissionTable() string {
	var b strings.Builder
	b.WriteString("| permission | allows to | as a person of the register |\n|---|---|---|\n")
	for _, p := range access.Permissions() {
		person := ""
		if p.Person {
			person = "yes"
		}
		b.WriteString("| `" + string(p.Permission) + "` | " + p.Means + " | " + person + " |\n")
	}
	return b.String()
}

// TestTables: every permission is held by somebody, every role knows only
// permissions of the table, and nobody administers and approves by one role.
func TestTables(t *testing.T) {
	for _, p := range access.Permissions() {
		if got, err := access.ParsePermission(string(p.Permission)); err != nil || got != p.Permission {
			t.Errorf("%s: %v", p.Permission, err)
		}
		if !slices.ContainsFunc(access.Roles(), func(r access.RoleInfo) bool { return r.Role.Allows(p.Permission) }) {
			t.Errorf("nobody holds %s", p.Permission)
		}
	}
	for _, r := range access.Roles() {
		if got, err := access.ParseRole(string(r.Role)); err != nil || got != r.Role {
			t.Errorf("%s: %v", r.Role, err)
		}
		for _, p := range r.Allowed {
			if _, err := access.ParsePermission(string(p)); err != nil {
				t.Errorf("%s: %v", r.Role, err)
			}
		}
		if !r.Role.Allows(access.Read) {
			t.Errorf("%s may not read", r.Role)
		}
		if r.Role.Allows(access.Approve) && r.Role.Allows(access.Administer) {
			t.Errorf("%s both administers and approves", r.Role)
		}
	}
	for _, unknown := range []string{"", "root", "Admin", "admin "} {
		if access.Role(unknown).Allows(access.Read) {
			t.Errorf("the role %q allows to read", unknown)
		}
	}
}
