package expenses

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestCharges(t *testing.T) {
	f := newFolder(t)
	f.put("a.csv", header+strings.Join([]string{
		`2026-03-05,"OPENAI *CHATGPT SUBSCR, SAN FRANCISCO",20.00,USD,ann@acme.example,R&D,`,
		`2026-03-20,OPENAI,10.10,USD,bob@acme.example,R&D,`,
		`2026-03-21,OPENAI,-5.05,USD,bob@acme.example,R&D,refund`,
		`2026-03-21,OPENAI,7,EUR,bob@acme.example,R&D,`,
		`2026-04-01,OPENAI,0.30,USD,ann@acme.example,,`,
		`2026-03-09,Amazon Web Services,99.10,USD,,IT,Amazon Bedrock`,
		`2026-03-09,Amazon Web Services,50.00,USD,,IT,Amazon EC2`,
		`2026-03-09,COHERENCE LTD,50.00,USD,,IT,`,
		`2026-03-10,CURSOR AI POWERED IDE,40,USD,ann@acme.example,R&D,`,
		`,Total,,,,,`, `,,221.45,,,,`,
	}, "\n"))
	rec, cov := collect(t, f.config(nil))
	want := map[string]string{
		"openai|R&D|2026-03|USD": "25.05", "openai|R&D|2026-03|EUR": "7.00", "openai|unassigned|2026-04|USD": "0.30",
		"aws-bedrock|IT|2026-03|USD": "99.10", "cursor|R&D|2026-03|USD": "40.00",
	}
	if d := cmp.Diff(want, amounts(t, rec)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := rec.Reasons(); len(got) != 0 {
		t.Errorf("gaps %v", got)
	}
	if c := cov[records.KindActivity]; c.Status != connector.Complete || c.Enumerated {
		t.Errorf("coverage %+v", c)
	}
	p := rec.Payloads(t, records.KindActivity)["expense|openai|R&D|2026-03|USD"]
	for field, want := range map[string]any{"requests": 3.0, "actors": 2.0, "first_seen": "2026-03-05T00:00:00Z", "last_seen": "2026-03-21T00:00:00Z", "period": "2026-03",
		"account": "cards", "signals": []any{"merchant OPENAI", "refunds: 1"}, "rules": []any{"openai/merchants"}} {
		if d := cmp.Diff(want, p[field]); d != "" {
			t.Errorf("%s: %s", field, d)
		}
	}
	if s := rec.Payloads(t, records.KindActivity)["expense|cursor|R&D|2026-03|USD"]["scope"]; s != "development" {
		t.Errorf("scope %v", s)
	}
	raw, err := json.Marshal(rec.Payloads(t, records.KindActivity))
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range []string{"ann@", "bob@", "SAN FRANCISCO"} {
		if strings.Contains(string(raw), person) {
			t.Errorf("%q is on record", person)
		}
	}
}

// What a line is for decides, not a name that stands in it; other trades are no
// vendors of AI.
func TestLines(t *testing.T) {
	f := newFolder(t)
	f.put("a.csv", header+strings.Join([]string{
		`2026-03-05,AWS EMEA,900.10,USD,,IT,"Invoice 123: Amazon EC2; Amazon Bedrock 312.10; Amazon S3"`,
		`2026-03-05,AWS EMEA,10,USD,,IT,Amazon Bedrock`,
		`2026-03-05,MICROSOFT,33.10,USD,,IT,Azure OpenAI Service`,
		`2026-03-05,MSFT AZURE,1,USD,,IT,"March: Azure OpenAI Service, West Europe"`,
		`2026-03-05,X.AI LLC,8,USD,,IT,`,
		`2026-03-05,COHERE HEALTH,33.10,USD,,HR,for ann`,
		`2026-03-05,FIREFLIES BAR,13.10,USD,,HR,`,
		`2026-03-05,BOLT NEW YORK,13.10,USD,,HR,`,
		`2026-03-05,EVENTBRITE,13.10,USD,,HR,Course on Vertex AI`,
	}, "\n"))
	rec, _ := collect(t, f.config(nil))
	want := map[string]string{"aws-bedrock|IT|2026-03|USD": "910.10", "azure-openai|IT|2026-03|USD": "34.10", "xai|IT|2026-03|USD": "8.00"}
	if d := cmp.Diff(want, amounts(t, rec)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	p := rec.Payloads(t, records.KindActivity)["expense|aws-bedrock|IT|2026-03|USD"]
	signals := []any{"bill of Amazon Bedrock", "bill that names Amazon Bedrock: the amount may hold other services too"}
	if d := cmp.Diff(signals, p["signals"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]any{"aws-bedrock/costs"}, p["rules"]); d != "" {
		t.Error(d)
	}
}

func TestPseudonyms(t *testing.T) {
	f := newFolder(t)
	f.put("a.csv", header+"2026-03-05,OPENAI,20,USD,Ann@acme.example,R&D,\n2026-03-06,OPENAI,20,USD,ann@acme.example,R&D,\n2026-03-06,OPENAI,20,USD,bob,R&D,\n")
	rec, _ := collect(t, f.config(map[string]any{"people": pseudonym}))
	got := keys(rec.Payloads(t, records.KindActivity))
	if len(got) != 2 || strings.Contains(strings.Join(got, " "), "ann") || strings.Contains(strings.Join(got, " "), "bob") {
		t.Errorf("%v", got)
	}
}

// Exports overlap: what stands in several is counted once, and what stands
// twice in one is two charges.
func TestOverlap(t *testing.T) {
	f := newFolder(t)
	march := "2026-03-05,OPENAI,20,USD,ann,R&D,\n2026-03-05,OPENAI,20,USD,ann,R&D,\n"
	f.put("march.csv", header+march)
	f.put("year.csv", header+march+"2026-04-05,OPENAI,20,USD,ann,R&D,\n")
	f.put("copy.csv", header+"2026-03-05,OPENAI,20,USD,ann,R&D,\n")
	rec, _ := collect(t, f.config(nil))
	if d := cmp.Diff(map[string]string{"openai|R&D|2026-03|USD": "40.00", "openai|R&D|2026-04|USD": "20.00"}, amounts(t, rec)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	g := newFolder(t)
	g.put("a.csv", "ID,Date,Merchant,Amount\n1,2026-03-05,OPENAI,20\n1,2026-03-05,OPENAI,20\n2,2026-03-05,OPENAI,20\n")
	g.put("b.csv", "ID,Date,Merchant,Amount\n2,2026-03-05,OPENAI *API,20.00\n")
	rec, _ = collect(t, g.config(map[string]any{"currency": "USD", "columns": map[string]any{"id": "ID", "date": "Date", "merchant": "Merchant", "amount": "Amount"}}))
	if d := cmp.Diff(map[string]string{"openai|unassigned|2026-03|USD": "40.00"}, amounts(t, rec)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func wide(s string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b.WriteByte(byte(u >> 8))
		}
		b.WriteByte(byte(u))
		if !big {
			b.WriteByte(byte(u >> 8))
		}
	}
	return b.String()
}

// Whatever the encoding, the separator and the decimal mark, the charges are
// the same.
func TestForms(t *testing.T) {
	const german = "Buchungstag;Händler;Betrag;Kostenstelle\r\n05.03.2026;OPENAI *CHATGPT;1.020,50;Büro Köln\r\n"
	latin := strings.NewReplacer("ä", "\xE4", "ü", "\xFC", "ö", "\xF6").Replace(german)
	columns := map[string]any{"date": "buchungstag", "merchant": "händler", "amount": "Betrag", "cost_centre": "Kostenstelle"}
	for name, content := range map[string]string{
		"UTF-8": german, "with a mark": "\uFEFF" + german, "Latin-1": latin, "UTF-16 little": "\xFF\xFE" + wide(german, false), "UTF-16 big": "\xFE\xFF" + wide(german, true),
		"UTF-16 without a mark": wide(german, false), "tabs": strings.ReplaceAll(german, ";", "\t"), "bars": strings.ReplaceAll(german, ";", "|"),
		"old ends of lines": strings.ReplaceAll(german, "\r\n", "\n"), "no end": strings.TrimRight(german, "\r\n"), "blank lines": "\n" + strings.ReplaceAll(german, "\r\n", "\r\n\r\n"),
		"quotes": strings.ReplaceAll(german, "OPENAI *CHATGPT", `"OPENAI; ""CHATGPT"""`), "header again": german + german[:strings.Index(german, "\n")+1],
		"mixed": german + "06.03.2026;CAF\xC9;1,00;X\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.put("a.csv", content)
			rec, _ := collect(t, f.config(map[string]any{"columns": columns, "currency": "EUR"}))
			if d := cmp.Diff(map[string]string{"openai|Büro Köln|2026-03|EUR": "1020.50"}, amounts(t, rec)); d != "" || len(rec.Reasons()) > 0 {
				t.Errorf("%v -want +got:\n%s", rec.Reasons(), d)
			}
		})
	}
}

// Settings that say what a file does not.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		more    map[string]any
		want    map[string]string
	}{
		"no header": {"x;2026-03-01;OPENAI;5\n", map[string]any{"header": false, "currency": "USD", "columns": map[string]any{"date": "2", "merchant": "3", "amount": "4"}},
			map[string]string{"openai|unassigned|2026-03|USD": "5.00"}},
		"lines before": {"Report of cards\nPrinted,today\n" + header + "2026-03-01,OPENAI,5,USD,,,\n", map[string]any{"skip_lines": 2}, map[string]string{"openai|unassigned|2026-03|USD": "5.00"}},
		"negative":     {header + "2026-03-01,OPENAI,-5,USD,,,\n2026-03-02,OPENAI,2,USD,,,\n", map[string]any{"charges": "negative"}, map[string]string{"openai|unassigned|2026-03|USD": "3.00"}},
		"day first":    {header + "03/04/2026,OPENAI,5,USD,,,\n", map[string]any{"day_first": true}, map[string]string{"openai|unassigned|2026-04|USD": "5.00"}},
		"month first":  {header + "03/04/2026,OPENAI,5,USD,,,\n", map[string]any{"day_first": false}, map[string]string{"openai|unassigned|2026-03|USD": "5.00"}},
		"format":       {header + "2026.04.03,OPENAI,5,USD,,,\n", map[string]any{"date_format": "YYYY.MM.DD"}, map[string]string{"openai|unassigned|2026-04|USD": "5.00"}},
		"decimal":      {header + "2026-03-01,OPENAI,\"1,234\",USD,,,\n", map[string]any{"decimal": "."}, map[string]string{"openai|unassigned|2026-03|USD": "1234.00"}},
		"credit": {"Date,Merchant,Debit,Credit\n2026-03-01,OPENAI,50.00,\n2026-03-02,OPENAI,,20.00\n", map[string]any{"currency": "USD",
			"columns": map[string]any{"date": "Date", "merchant": "Merchant", "amount": "Debit", "credit": "Credit"}}, map[string]string{"openai|unassigned|2026-03|USD": "30.00"}},
		"currency in the amount": {header + "2026-03-01,OPENAI,€ 5.00,,,,\n2026-03-01,OPENAI,CHF 6.00,,,,\n", nil, map[string]string{"openai|unassigned|2026-03|EUR": "5.00", "openai|unassigned|2026-03|CHF": "6.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.put("a.csv", c.content)
			rec, _ := collect(t, f.config(c.more))
			if d := cmp.Diff(c.want, amounts(t, rec)); d != "" || len(rec.Reasons()) > 0 {
				t.Errorf("%v -want +got:\n%s", rec.Reasons(), d)
			}
		})
	}
}

// What cannot be read is a gap that counts it, and the rest is read.
func TestHostile(t *testing.T) {
	const good = "2026-03-01,OPENAI,5,USD,,R&D,\n"
	later := time.Now().AddDate(1, 0, 0).Format("2006-01-02")
	for name, c := range map[string]struct {
		content string
		lines   string // numbers in the gap; empty: none
		records int
	}{
		"open quote":         {header + `2026-03-02,"OPENAI,5,USD,,R&D,` + "\n" + good + good, "1 lines cannot be read (2)", 1},
		"open quote, end":    {header + good + `2026-03-02,"OPENAI,5`, "(3)", 1},
		"short line":         {header + "2026-03-02,OPENAI\n" + good, "(2): it has fewer fields", 1},
		"no date":            {header + "someday,OPENAI,5,USD,,R&D,\n" + good, "(2): its date is none", 1},
		"either date":        {header + "03/04/2026,OPENAI,5,USD,,R&D,\n" + good, "set day_first", 1},
		"a time to come":     {header + later + ",OPENAI,5,USD,,R&D,\n" + good, "has not come yet", 1},
		"no amount":          {header + "2026-03-02,OPENAI,free,USD,,R&D,\n" + good, "(2)", 1},
		"either amount":      {header + "2026-03-02,OPENAI,\"1,234\",USD,,R&D,\n" + good, "set decimal", 1},
		"long line":          {header + "2026-03-02," + strings.Repeat("OPENAI ", 1000) + ",5,USD,,R&D,\n" + good, "it is too long", 1},
		"many fields":        {header + strings.Repeat(",", 2000) + "\n" + good, "it has too many fields", 1},
		"NUL":                {header + "2026-03-02,\x00,5,USD,,R&D,\n" + good, "", 1},
		"many bad":           {header + strings.Repeat("x,OPENAI,5,USD,,R&D,\n", 50) + good, "50 lines cannot be read (2, 3, 4, 5, 6, 7, 8, 9 …)", 1},
		"nobody's bad lines": {header + "x,GROCER,free,USD,,R&D,\n" + good, "", 1},
		"name as a formula":  {header + "2026-03-02,=cmd|' /C calc'!A0 OPENAI,5,USD,,=1+1|x,\n", "", 1},
		"empty":              {"", "it is empty", 0},
		"only a header":      {header, "its files hold no charge of any merchant", 0},
		"other columns":      {"Tag,Merchant\n1,2\n", "it has no column Date, Amount, Currency", 0},
		"no header":          {"2026-03-02,Ann Smith Clinic,5,USD,Ann Smith,R&D,private\n", "none of the columns stands in its first line, which has 7 fields", 0},
		"no text":            {"\x7fELF\x01\x02\x00\xff\xfe" + strings.Repeat("\x00\x01", 5000), "is no header", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.put("a.csv", c.content)
			rec, _ := collect(t, f.config(map[string]any{"max_line_bytes": 4096}))
			gaps := rec.Gaps()
			if c.lines == "" && len(gaps) > 0 || c.lines != "" && (len(gaps) != 1 || !strings.Contains(gaps[0].Detail, c.lines)) {
				t.Errorf("gaps %v", gaps)
			}
			if n := len(rec.Payloads(t, records.KindActivity)); n != c.records {
				t.Errorf("%d records, want %d", n, c.records)
			}
		})
	}
}

// An export that ended is not one in which nothing was paid since.
func TestSilent(t *testing.T) {
	now := time.Now().UTC()
	for name, c := range map[string]struct {
		days int // how old the newest charge is
		more map[string]any
		want int
	}{
		"of this month":  {10, map[string]any{"silent_after_days": 62}, 0},
		"of last year":   {400, map[string]any{"silent_after_days": 62}, 1},
		"not asked":      {400, nil, 0},
		"newest on top":  {10, map[string]any{"silent_after_days": 5}, 1},
		"a longer limit": {10, map[string]any{"silent_after_days": 11}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.put("a.csv", header+now.AddDate(0, 0, -c.days).Format(time.DateOnly)+",OPENAI,5,USD,,R&D,\n"+now.AddDate(0, 0, -c.days-300).Format(time.DateOnly)+",GROCER,5,USD,,R&D,\n")
			rec, cov := collect(t, f.config(c.more))
			if gaps := rec.Gaps(); len(gaps) != c.want || c.want > 0 && (gaps[0].Reason != connector.Hidden || !strings.Contains(gaps[0].Detail, "its newest charge is of")) {
				t.Errorf("gaps %v", gaps)
			}
			if status := cov[records.KindActivity].Status; (status == connector.Complete) != (c.want == 0) {
				t.Error(status)
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	f := newFolder(t)
	rec, cov := collect(t, f.config(nil))
	if d := cmp.Diff([]string{"not_found"}, reasons(rec)); d != "" {
		t.Error(d)
	}
	if cov[records.KindActivity].Status != connector.Refused {
		t.Errorf("%+v", cov)
	}
	report, err := New().Check(t.Context(), f.config(nil))
	if err != nil || report.Problem == "" {
		t.Errorf("%+v %v", report, err)
	}
	f.put("a.csv", header)
	f.put("b.csv", "x\n")
	f.put("c.csv", "Date,Merchant,Total for Ann Smith\n")
	rec, _ = collect(t, f.config(nil))
	for _, g := range rec.Gaps() {
		if strings.Contains(g.Detail, "Ann Smith") {
			t.Errorf("a gap holds what stands in a file: %s", g.Detail)
		}
	}
	report, err = New().Check(t.Context(), f.config(nil))
	if err != nil || report.Problem != "" || len(report.Scope) != 1 || !strings.Contains(report.Permissions[0].Detail, "none of the columns") ||
		!strings.Contains(report.Permissions[0].Detail, "it has: Date, Merchant, Total") {
		t.Errorf("%+v %v", report, err)
	}
}

func TestRefusedSettings(t *testing.T) {
	for name, more := range map[string]map[string]any{
		"relative path": {"files": []string{"a.csv"}}, "a name without a header": {"header": false}, "a format without a year": {"date_format": "DD.MM"},
		"a pattern": {"files": []string{"/a/[b"}}, "nobody to name": {"people": pseudonym, "columns": map[string]any{"date": "a", "merchant": "b", "amount": "c"}},
	} {
		cfg := newFolder(t).config(more)
		if _, err := parseConfig(cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	cfg := newFolder(t).config(map[string]any{"people": pseudonym})
	for _, salt := range []string{"", "short"} {
		cfg.Secrets[secretSalt] = salt
		if _, err := parseConfig(cfg); err == nil || strings.Contains(err.Error(), "short\"") {
			t.Errorf("salt %q: %v", salt, err)
		}
	}
}

func TestSince(t *testing.T) {
	f := newFolder(t)
	f.put("a.csv", header+"2026-01-31,OPENAI,5,USD,,R&D,\n2026-02-01,OPENAI,6,USD,,R&D,\n")
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(nil), Since: time.Date(2026, 2, 1, 15, 0, 0, 0, time.UTC)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"openai|R&D|2026-02|USD": "6.00"}, amounts(t, rec)); d != "" || cov[records.KindActivity].Since.IsZero() {
		t.Errorf("%+v %s", cov, d)
	}
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"12": "12.00", "12.5": "12.50", "1,234.56": "1234.56", "1.234,56": "1234.56", "1'234.50": "1234.50", "1 234,50": "1234.50", "(12.00)": "-12.00",
		"-12": "-12.00", "12.00-": "-12.00", "−3,20": "-3.20", "$20": "20.00", "20,00 €": "20.00", "USD 1,234,567.89": "1234567.89", "0.005": "0.005", "1.000.000": "1000000.00",
		"kr 5,00": "5.00", "12.00 CR": "-12.00", "12.": "12.00", ".5": "0.50",
	} {
		got, _, err := amountOf(text, auto)
		if err != nil || decimalOf(got) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "free", "1,234", "1.234", "12-34", "1.2.3,4,5", "--", ".", "1e5", "0x10", "12:30", strings.Repeat("9", 100)} {
		if got, _, err := amountOf(text, auto); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// Rows are read whatever stands in a file, each line is accounted for, and what
// was written as rows is read as such.
func FuzzRows(f *testing.F) {
	f.Add("a,b\n\"c\"\"d\",e\n\"open,f\ng,h\n")
	f.Add("\"\"\"\n\",,\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := &rows{newLines(strings.NewReader(text), 1024), ','}
		for range strings.Count(text, "\n") + 2 {
			fields, n, err := r.next()
			var broken *rowError
			if err != nil && !errors.As(err, &broken) {
				return
			}
			if n < 1 || n > strings.Count(text, "\n")+1 || len(fields) > maxFields {
				t.Errorf("line %d, %d fields", n, len(fields))
			}
		}
		t.Errorf("%q does not end", text)
	})
}

func FuzzAmount(f *testing.F) {
	f.Add("1.234,56 EUR")
	f.Fuzz(func(t *testing.T, text string) {
		for _, decimal := range []string{auto, ".", ","} {
			if got, currency, err := amountOf(text, decimal); err == nil && (decimalOf(got) == "" || len(currency) != 3 && currency != "") {
				t.Errorf("%q: %v %q", text, got, currency)
			}
		}
	})
}

func BenchmarkLines(b *testing.B) {
	f := newFolder(b)
	var text strings.Builder
	text.WriteString(header)
	for i := range 50_000 {
		fmt.Fprintf(&text, "2026-03-%02d,SHOP %d,%d.50,EUR,p%d,CC-%d,lunch\n", i%28+1, i%500, i, i%100, i%20)
	}
	f.put("a.csv", text.String())
	cfg, err := parseConfig(f.config(nil))
	if err != nil {
		b.Fatal(err)
	}
	set, err := New().signatures()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		r := newRun(cfg, set, nil)
		if err := r.file(b.Context(), filepath.Join(f.dir, "a.csv")); err != nil {
			b.Fatal(err)
		}
	}
}
