package sqlite

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// object is a row of the schema, but for the page where its tree begins.
type object struct{ kind, name, table, text string }

// checkSchema expects every table and index of this program to be there, made by
// the very text of the migrations: text that differs in a word, a WHERE left out,
// changes what readers see of the same rows. Nothing else may be there: a table
// can have the name by which verification reads pages, and what is in trees that
// it does not know it cannot vouch for. The schema is asked for by a name that nothing in a file can take.
func (d *database) checkSchema(ctx context.Context, t sqlstore.Tx) (err error) {
	want, err := declared()
	if err != nil {
		return err
	}
	rows, err := t.Query(ctx, "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_master")
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.text); err != nil {
			return err
		}
		l, ours := layouts[o.name]
		switch {
		case ours && o != ownObject(o.name, l, want[o.name]):
			return strange(o.name + ", made otherwise")
		case !ours:
			return strange(fmt.Sprintf("%q, which is none of them", o.name))
		}
		delete(want, o.name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for name := range want {
		if !d.older {
			return strange("no " + name)
		}
	}
	return nil
}

func strange(got string) error {
	return &store.Discrepancy{Place: checkedPlace, Want: "tables and indexes as this program makes them", Got: got}
}

// ownObject is what the schema has to say of a table or index of this program.
func ownObject(name string, l layout, text string) object {
	o := object{kind: "table", name: name, table: tableOf(name, l), text: text}
	if l.table != "" {
		o.kind = "index"
	}
	return o
}

// declared gives the text by which the migrations make each table and index; it
// is empty for an index that SQLite makes for a table.
func declared() (map[string]string, error) {
	out := make(map[string]string, len(layouts))
	for name := range layouts {
		out[name] = ""
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, part := range strings.Split("\n"+string(text), "\nCREATE ")[1:] {
			statement, _, _ := strings.Cut("CREATE "+part+"\n", ";\n")
			out[strings.Fields(statement)[2]] = statement
		}
	}
	return out, nil
}

func tableOf(name string, l layout) string {
	if l.table != "" {
		return l.table
	}
	return name
}

// roots reads where trees begin. They have to be those of the layouts.
func (s *scan) roots() (map[string]uint32, error) {
	t := &tree{layout: layout{columns: "tttiT"}, name: "schema", values: make([]pages.Value, 5), last: make([]pages.Value, 5)}
	roots := make(map[string]uint32, len(layouts))
	for cells, err := range s.f.Walk(1, pages.Table) {
		if err != nil {
			return nil, err
		}
		for i := range cells {
			if err := t.row(&cells[i]); err != nil {
				return nil, err
			}
			name, root := string(t.values[1].Bytes), t.values[3].Int
			if _, known := layouts[name]; !known {
				return nil, pages.ErrOther
			}
			if _, twice := roots[name]; twice || root < 1 || root > math.MaxUint32 {
				return nil, t.wrong(&cells[i], "a tree of "+name+" that cannot be")
			}
			roots[name] = uint32(root)
		}
	}
	if len(roots) != len(layouts) {
		return nil, pages.ErrOther
	}
	return roots, nil
}
