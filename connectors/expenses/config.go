package expenses

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// config is the settings of one source.
type config struct {
	Name       string   `json:"name"`
	Files      []string `json:"files"`
	Columns    columns  `json:"columns"`
	Header     bool     `json:"header"`
	Skip       int      `json:"skip_lines"`
	Encoding   string   `json:"encoding"`
	Separator  string   `json:"separator"`
	Decimal    string   `json:"decimal"`
	DateFormat string   `json:"date_format"`
	DayFirst   *bool    `json:"day_first"`
	Currency   string   `json:"currency"`
	Charges    string   `json:"charges"`
	People     string   `json:"people"`
	MaxLine    int      `json:"max_line_bytes"`
	// SilentAfter is how many days old the newest charge may be.
	SilentAfter int `json:"silent_after_days"`

	salt   string
	layout string
}

// columns are the export's own names.
type columns struct {
	Date        string `json:"date"`
	Merchant    string `json:"merchant"`
	Amount      string `json:"amount"`
	Credit      string `json:"credit"`
	Currency    string `json:"currency"`
	Person      string `json:"person"`
	CostCentre  string `json:"cost_centre"`
	Description string `json:"description"`
	ID          string `json:"id"`
}

// each calls use with every column that is set, and its role.
func (c columns) each(use func(role, name string)) {
	for _, x := range [][2]string{{"date", c.Date}, {"merchant", c.Merchant}, {"amount", c.Amount}, {"credit", c.Credit}, {"currency", c.Currency},
		{"person", c.Person}, {"cost_centre", c.CostCentre}, {"description", c.Description}, {"id", c.ID}} {
		if x[1] != "" {
			use(x[0], x[1])
		}
	}
}

const (
	auto       = "auto"
	pseudonym  = "pseudonym"
	negative   = "negative"
	minSalt    = 16
	unassigned = "unassigned" // place of charges without a cost centre
)

// parseConfig decodes and checks the settings. Its error names every problem.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Header: true, Encoding: auto, Separator: auto, Decimal: auto, Charges: "positive", People: "count", MaxLine: 1 << 20, SilentAfter: 62}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("expenses: settings: %w", err)
	}
	c.salt = in.Secrets[secretSalt]
	var errs []error
	switch {
	case c.salt != "" && len(c.salt) < minSalt:
		errs = append(errs, fmt.Errorf("secret salt: want at least %d letters", minSalt))
	case c.People == pseudonym && c.salt == "":
		errs = append(errs, errors.New("people: pseudonym needs the secret salt: without it a pseudonym could be turned back into a name"))
	case c.People == pseudonym && c.Columns.Person == "":
		errs = append(errs, errors.New("people: pseudonym needs the column person"))
	}
	for i, p := range c.Files {
		if _, err := filepath.Match(p, ""); err != nil || !filepath.IsAbs(p) {
			errs = append(errs, fmt.Errorf("files[%d] %q: want an absolute path, whose parts may hold * ? and [a-z]", i, p))
		}
	}
	c.Columns.each(func(role, name string) {
		if n, err := strconv.Atoi(name); !c.Header && (err != nil || n < 1 || n > maxFields) {
			errs = append(errs, fmt.Errorf("columns: %s: without a header want the number of the column, from 1", role))
		}
	})
	if c.DateFormat != "" {
		c.layout = layoutOf(c.DateFormat)
		for _, part := range []string{"2006", "01", "02"} {
			if !strings.Contains(c.layout, part) {
				errs = append(errs, errors.New("date_format: want YYYY, MM and DD in it"))
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("expenses: settings: %w", err)
	}
	return c, nil
}

// layoutOf turns DD.MM.YYYY into a layout of package time.
func layoutOf(format string) string {
	return strings.NewReplacer("YYYY", "2006", "YY", "06", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05").Replace(format)
}
