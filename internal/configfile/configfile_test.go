package configfile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func example(t testing.TB) []byte {
	t.Helper()
	b, err := fs.ReadFile(config.FS, "example/exhibit.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func known(t testing.TB) configfile.Known {
	t.Helper()
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	return configfile.Known{Kinds: c.KindIDs(), Expectations: []string{"release-change-approved", "vendor-assessed"}}
}

func TestExampleLoads(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "exhibit.yaml")
	if err := os.WriteFile(path, example(t), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := configfile.Load(path, known(t))
	if err != nil {
		t.Fatal(err)
	}
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	github, ok := c.Source("github")
	want := configfile.Source{
		Name: "github", Connector: "github", Schedule: "15 * * * *", Zone: lisbon, Jitter: 5 * time.Minute, Priority: 2, Timeout: time.Hour,
		Settings: json.RawMessage(`{"branches":["main"],"organization":"northwind","scan_code":true}`),
	}
	ignore := cmpopts.IgnoreFields(configfile.Source{}, "Secrets", "Zone")
	if d := cmp.Diff(want, github, ignore); !ok || d != "" || github.Zone.String() != "Europe/Lisbon" {
		t.Error(d, github.Zone)
	}
	jira, _ := c.Source("jira")
	got := map[string]string{
		"store": c.Store.Reveal(), "key": c.Key, "register": c.Register, "token": jira.Secrets["token"].Place(), "env": github.Secrets["token"].Place(),
	}
	wantPaths := map[string]string{
		"store": filepath.Join(dir, "exhibit.db"), "key": filepath.Join(dir, "exhibit.key"), "register": filepath.Join(dir, "register.yaml"),
		"token": "file " + filepath.Join(dir, "secrets/jira-token"), "env": "environment variable GITHUB_TOKEN",
	}
	if d := cmp.Diff(wantPaths, got); d != "" {
		t.Error(d)
	}
	if c.Limits.Concurrency != 4 || c.Limits.Run != 2*time.Hour || string(c.Expectations.Params["release-change-approved"]["approvals_high_risk"]) != "2" {
		t.Errorf("limits %+v, expectations %s", c.Limits, c.Expectations.Params)
	}
}

// What is commented out in the example is valid too.
func TestExampleUncommented(t *testing.T) {
	text := strings.NewReplacer("\n#key", "\nkey", "\n#connectors", "\nconnectors", "\n#people", "\npeople", "\n#retention", "\nretention", "\n#ledger", "\nledger", "\n#export", "\nexport", "\n#notify", "\nnotify", "\n#tickets", "\ntickets", "\n#network", "\nnetwork", "\n#secrets", "\nsecrets", "\n#telemetry", "\ntelemetry", "\n#server", "\nserver", "\n#  ", "\n  ", "\n  #", "\n  ").Replace(string(example(t)))
	c, err := configfile.Parse("/etc/exhibit/exhibit.yaml", []byte(text), known(t))
	if err != nil {
		t.Fatal(err)
	}
	want := configfile.Limits{Concurrency: 4, Run: 2 * time.Hour, Idle: 5 * time.Minute, RecordBytes: 1 << 20, Records: 10_000_000, RunBytes: 32 << 30, RecordsPerSecond: 5000}
	if d := cmp.Diff(want, c.Limits); d != "" {
		t.Error(d)
	}
	if c.Connectors.Dir != "/usr/local/lib/exhibit" || c.Connectors.Lock != "/etc/exhibit/connectors.lock" ||
		c.Expectations.Files[0] != "/etc/exhibit/our-expectations.yaml" {
		t.Errorf("paths: %+v %v", c.Connectors, c.Expectations.Files)
	}
	if c.People.MaxWaiver != 365*24*time.Hour || c.People.SharedAccount || !slices.Equal(c.People.Approvers["waiver"], []string{"ai_officer"}) {
		t.Errorf("people: %+v", c.People)
	}
	if s := c.Server; s.Loopback() || s.OIDC == nil || !s.Roles["viewer"].Everyone || s.Roles["admin"].People[0] != "marek" {
		t.Errorf("server: %+v", s)
	}
	if c.Retention.Of("vendor.usage") != 1095*24*time.Hour || c.Retention.Of("jira.issue") != 2190*24*time.Hour {
		t.Errorf("retention: %+v", c.Retention)
	}
	if l := c.Ledger; l.TSA.Roots != "/etc/exhibit/tsa-roots.pem" || len(l.Publish) != 2 || l.Publish[1].Secret == nil || len(l.Witnesses) != 1 ||
		l.Publish[0].Git != "https://git.example.org/compliance/checkpoints.git" {
		t.Errorf("ledger: %+v", l)
	}
	if err := compiled(t).Validate(free(t, []byte(text))); err != nil {
		t.Error(err)
	}
}

const head = "version: 1\norganization: o\n"

const source = head + "sources:\n- {name: gh, connector: github, "

// cases are files with one mistake each (or none, if want is empty). schema
// tells whether the JSON Schema finds it too; references, schedules and the
// like are beyond it.
var cases = map[string]struct {
	src, want string
	schema    bool
}{
	"least":                  {head, "", false},
	"least source":           {source + "}\n", "", false},
	"descriptor":             {source + "schedule: '@hourly', timezone: Asia/Kolkata}\n", "", false},
	"sizes":                  {head + "limits: {record_bytes: 512KiB, run_bytes: 1073741824}\n", "", false},
	"days":                   {source + "schedule: '@daily', jitter: 1d2h}\n", "", false},
	"postgres":               {head + "store: postgres://u@h/db\n", "", false},
	"empty file":             {"", "version is missing", true},
	"other version":          {"version: 2\norganization: o\n", "1:10: version: this program reads version 1", true},
	"version as text":        {"version: '1'\norganization: o\n", "want a whole number, this is text", true},
	"no organisation":        {"version: 1\n", "organization is missing", true},
	"organisation with path": {"version: 1\norganization: ../x\n", "is not an id", true},
	"unknown key":            {head + "sorces: []\n", "did you mean sources?", true},
	"source without name":    {head + "sources: [{connector: github}]\n", "name is missing", true},
	"source in capitals":     {head + "sources: [{name: GitHub, connector: github}]\n", "lower case letters", true},
	"source named register":  {head + "sources: [{name: register, connector: github}]\n", "built-in source", true},
	"name twice":             {source + "}\n- {name: gh, connector: jira}\n", `sources[1].name: "gh" is used twice`, false},
	"connector as path":      {head + "sources: [{name: x, connector: ../../bin/sh}]\n", "is not the name of a connector", true},
	"schedule of words":      {source + "schedule: every day}\n", "is not a schedule", false},
	"six fields":             {source + "schedule: 0 0 3 * * *}\n", "is not a schedule", false},
	"minute 61":              {source + "schedule: 61 * * * *}\n", "is not a schedule", false},
	"30 February":            {source + "schedule: 0 0 30 2 *}\n", "never comes due", false},
	"every second":           {source + "schedule: '@every 1s'}\n", "shorter than a minute", false},
	"zone in schedule":       {source + "schedule: 'CRON_TZ=UTC'}\n", "use timezone", false},
	"unknown zone":           {source + "schedule: '@daily', timezone: Mars/Olympus}\n", "unknown time zone", false},
	"zone as path":           {source + "schedule: '@daily', timezone: ../../etc/passwd}\n", "unknown time zone", false},
	"local zone":             {source + "schedule: '@daily', timezone: Local}\n", "unknown time zone", false},
	"jitter, no schedule":    {source + "jitter: 5m}\n", "has no meaning without a schedule", false},
	"jitter as number":       {source + "schedule: '@daily', jitter: 5}\n", "want text, this is a number", true},
	"negative timeout":       {source + "timeout: -5m}\n", "is not a duration", true},
	"no timeout":             {source + "timeout: 0s}\n", "a run needs time", false},
	"unknown kind":           {source + "kinds: [github.pull_requests]}\n", "did you mean github.pull_request?", false},
	"config as list":         {source + "config: [a]}\n", "config: want a mapping", true},
	"config key twice":       {source + "config: {a: 1, a: 2}}\n", "is written twice", false},
	"secret in clear":        {source + "secrets: {token: ghp_topsecret}}\n", "the place of a secret is a mapping", true},
	"secret as number":       {source + "secrets: {token: {env: 12345678}}}\n", "env is not the name", true},
	"secret in env":          {source + "secrets: {token: {env: 'ghp-topsecret'}}}\n", "env is not the name", true},
	"two places":             {source + "secrets: {token: {env: A, file: b}}}\n", "a mapping with one key", true},
	"other place":            {source + "secrets: {token: {safe: topsecret}}}\n", "a mapping with env, file, keyring, aws or vault", true},
	"place without form":     {source + "secrets: {token: {vault: topsecret}}}\n", "want a mapping", true},
	"places":                 {source + "secrets: {a: {keyring: {service: s, account: a}}, b: {aws: {secret: p/x}}, c: {vault: {path: kv/x, field: f}}}}\n", "", false},
	"vault, no field":        {source + "secrets: {token: {vault: {path: secret/x}}}}\n", "field is missing", true},
	"vault, no mount":        {source + "secrets: {token: {vault: {path: topsecret, field: f}}}}\n", "not the path of a secret", false},
	"vault, way out":         {source + "secrets: {token: {vault: {path: a/../sys/raw, field: f}}}}\n", "not the path of a secret", false},
	"aws, odd region":        {source + "secrets: {token: {aws: {secret: topsecret, region: Frankfurt}}}}\n", "or not a region", false},
	"keyring, no account":    {source + "secrets: {token: {keyring: {service: x}}}}\n", "account is missing", true},
	"vault in vault":         {head + "secrets: {vault: {token: {vault: {path: a/b, field: c}}}}\n", "kept on this machine", false},
	"two logins":             {head + "secrets: {vault: {token: {env: A}, kubernetes: {role: r}}}\n", "one way to log in", false},
	"no version of kv":       {head + "secrets: {vault: {kv_version: 3}}\n", "versions 1 and 2", true},
	"vault with a password":  {head + "secrets: {vault: {address: 'https://u:topsecret@h'}}\n", "no name and no password", false},
	"proxy":                  {head + "network: {proxy: 'http://proxy:3128', no_proxy: [localhost, .internal, 10.0.0.0/8], ca_file: ca.pem}\n", "", false},
	"proxy, password":        {head + "network: {proxy: 'http://u:topsecret@proxy:3128'}\n", "password does not belong", true},
	"proxy, no scheme":       {head + "network: {proxy: 'proxy:3128'}\n", "not the address of a proxy", true},
	"no_proxy alone":         {head + "network: {no_proxy: [localhost]}\n", "no meaning without a proxy", true},
	"no_proxy, address":      {head + "network: {proxy: 'http://p:1', no_proxy: ['https://x/']}\n", "not a host", false},
	"traces":                 {head + "telemetry: {traces: {endpoint: 'https://otel:4318/v1/traces', sample: 0.5}}\n", "", false},
	"traces, odd share":      {head + "telemetry: {traces: {sample: 2}}\n", "at most 1", true},
	"traces, no address":     {head + "telemetry: {traces: {endpoint: otel}}\n", "not an address", false},
	"secrets as text":        {source + "secrets: topsecret}\n", "want a mapping", true},
	"store of another kind":  {head + "store: mysql://u:topsecret@h/db\n", `"mysql" is not a kind of store`, false},
	"postgres, no database":  {head + "store: postgres://u:topsecret@h\n", "not a PostgreSQL URL", false},
	"unknown expectation":    {head + "expectations: {params: {vendor-assesed: {x: 1}}}\n", "did you mean vendor-assessed?", false},
	"params as list":         {head + "expectations: {params: [x]}\n", "want a mapping", true},
	"size of a word":         {head + "limits: {record_bytes: much}\n", "is not a size", true},
	"size in MB":             {head + "limits: {record_bytes: 4MB}\n", "write 4096, 512KiB", true},
	"size beyond all":        {head + "limits: {record_bytes: 9999999TiB}\n", "is not a size", false},
	"no concurrency":         {head + "limits: {concurrency: 0}\n", "a limit is greater than zero", true},
	"due dates":              {head + "findings: {due: {major: 14d}, owner_role: ai_officer}\n", "", false},
	"unknown severity":       {head + "findings: {due: {critical: 1d}}\n", "no severity is called", true},
	"due at once":            {head + "findings: {due: {major: 0s}}\n", "needs time to be closed", false},
	"due in words":           {head + "findings: {due: {major: soon}}\n", "is not a duration", true},
	"git place":              {head + "ledger: {publish: [{git: git@host:checkpoints.git, branch: main}]}\n", "", false},
	"webhook in clear":       {head + "ledger: {publish: [{webhook: 'https://h/x', secret: topsecret}]}\n", "the place of a secret is a mapping", true},
	"two places in one":      {head + "ledger: {publish: [{webhook: 'https://h/x', git: /srv/x}]}\n", "want one of git and webhook", true},
	"no place":               {head + "ledger: {publish: [{branch: main}]}\n", "want one of git and webhook", true},
	"branch of a webhook":    {head + "ledger: {publish: [{webhook: 'https://h/topsecret', branch: main}]}\n", "has no meaning for a webhook", true},
	"secret of git":          {head + "ledger: {publish: [{git: /srv/x, secret: {env: A}}]}\n", "has no meaning for git", true},
	"authority, no URL":      {head + "ledger: {tsa: {roots: x.pem}}\n", "no authority is named", true},
	"witness without key":    {head + "ledger: {witnesses: [{url: 'https://w'}]}\n", "key is missing", true},
	"list for mapping":       {head + "limits: []\n", "want a mapping, this is a list", true},
}

func TestProblems(t *testing.T) {
	k := known(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := configfile.Parse("/x/exhibit.yaml", []byte(tc.src), k)
			if tc.want == "" {
				if err != nil || c == nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var ps yamlfile.Problems
			if !errors.As(err, &ps) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got\n%v\nwant %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "12345678") {
				t.Errorf("a secret is repeated:\n%v", err)
			}
			if len(ps) > 2 {
				t.Errorf("one mistake is reported %d times:\n%v", len(ps), err)
			}
		})
	}
}

func TestAllAtOnce(t *testing.T) {
	src := `version: 1
organization: o
stor: x
sources:
- name: a
  connector: github
  schedule: often
  secrets:
    token: topsecret
    other: {env: ok, file: topsecret}
- name: a
  conector: jira
limits:
  run: long
`
	_, err := configfile.Parse("/x/exhibit.yaml", []byte(src), known(t))
	var ps yamlfile.Problems
	if !errors.As(err, &ps) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range ps {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Path))
	}
	want := []string{"3 ", "7 sources[0].schedule", "9 sources[0].secrets.token", "10 sources[0].secrets.other", "11 sources[1]", "11 sources[1].name", "12 sources[1]", "14 limits.run"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if strings.Contains(err.Error(), "topsecret") {
		t.Errorf("a secret is repeated:\n%v", err)
	}
	if !strings.Contains(err.Error(), "  7 |   schedule: often\n    |             ^\n") {
		t.Errorf("no caret under the schedule:\n%v", err)
	}
}

// A file that is no YAML shows the place, but no line that may be a secret.
func TestSyntax(t *testing.T) {
	_, err := configfile.Parse("/x/exhibit.yaml", []byte("version: 1\norganization: [\n"), configfile.Known{})
	if err == nil || !strings.Contains(err.Error(), "^") {
		t.Errorf("got %v", err)
	}
	_, err = configfile.Parse("/x/exhibit.yaml", []byte("token: \"topsecret\n"), configfile.Known{})
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
}

func TestSecretResolve(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", "s3cret\r\n", 0o600)
	write("group", "s3cret", 0o640)
	write("open", "s3cret", 0o644)
	write("empty", "\n", 0o600)
	write("huge", strings.Repeat("x", 70<<10), 0o600)
	t.Setenv("EXHIBIT_TEST_TOKEN", "s3cret")
	t.Setenv("EXHIBIT_TEST_EMPTY", " ")
	for place, want := range map[string]string{
		"env: EXHIBIT_TEST_TOKEN": "", "file: good": "", "file: group": "",
		"env: EXHIBIT_TEST_EMPTY": "EXHIBIT_TEST_EMPTY is not set", "env: EXHIBIT_TEST_ABSENT": "EXHIBIT_TEST_ABSENT is not set",
		"file: open": "chmod 600", "file: empty": "is empty", "file: huge": "larger than", "file: absent": "no such file", "file: .": "is not a file",
	} {
		c, err := configfile.Parse(filepath.Join(dir, "exhibit.yaml"), []byte(source+"secrets: {token: {"+place+"}}}\n"), configfile.Known{})
		if err != nil {
			t.Fatal(err)
		}
		secret := c.Sources[0].Secrets["token"]
		got, err := secret.Resolve()
		switch {
		case want == "" && (err != nil || got != "s3cret"):
			t.Errorf("%s: %q, %v", place, got, err)
		case want != "" && (!errors.Is(err, configfile.ErrSecret) || !strings.Contains(err.Error(), want) || got != ""):
			t.Errorf("%s: %q, %v; want %q", place, got, err, want)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: the error repeats the secret: %v", place, err)
		}
	}
}

// However a configuration is printed, neither secrets nor passwords appear.
func TestNothingSecretIsPrinted(t *testing.T) {
	src := head + "store: postgres://u:topsecret@h/db?sslpassword=topsecret\nsources:\n- {name: gh, connector: github, secrets: {token: {env: EXHIBIT_TOPSECRET}}}\n"
	c, err := configfile.Parse("/x/exhibit.yaml", []byte(src), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "store", c.Store, "secret", c.Sources[0].Secrets["token"], "config", c)
	for _, printed := range []string{fmt.Sprint(c.Store), fmt.Sprintf("%v %+v %#v %s", *c, *c, c.Store, c.Sources[0].Secrets["token"]), string(j), log.String()} {
		if strings.Contains(strings.ToLower(printed), "topsecret") {
			t.Errorf("printed: %s", printed)
		}
	}
	if !strings.Contains(c.Store.Reveal(), "topsecret") || c.Key != "/x/exhibit.key" {
		t.Errorf("store %s, key %s", c.Store, c.Key)
	}
}

// What the file does not say about findings is as without a file.
func TestFindings(t *testing.T) {
	c, err := configfile.Parse("/x/exhibit.yaml", []byte(head+"findings: {due: {major: 14d}}\n"), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	want := configfile.DefaultFindings()
	want.Due["major"] = 14 * 24 * time.Hour
	if d := cmp.Diff(want, c.Findings); d != "" {
		t.Error(d)
	}
}

func TestDefault(t *testing.T) {
	c, err := configfile.Default(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Reveal() != filepath.Join(dir, "exhibit.db") || c.Key != filepath.Join(dir, "exhibit.key") || len(c.Sources) > 0 {
		t.Errorf("%+v", c)
	}
	if _, err := configfile.Load(filepath.Join(t.TempDir(), "none.yaml"), configfile.Known{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	raw, err := fs.ReadFile(config.FS, "schemas/exhibit.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("exhibit.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("exhibit.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// free decodes YAML as an editor would, for the schema.
func free(t testing.TB, src []byte) any {
	t.Helper()
	f, err := yamlfile.Parse("x", src)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	f.Decode(&v)
	if v == nil {
		return map[string]any{}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Program and schema agree: what the program accepts, the schema accepts; what
// is wrong in form, both refuse.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t)
	if err := s.Validate(free(t, example(t))); err != nil {
		t.Errorf("the example: %v", err)
	}
	for name, tc := range cases {
		err := s.Validate(free(t, []byte(tc.src)))
		if refused := err != nil; refused != tc.schema {
			t.Errorf("%s: schema refuses: %v (%v)", name, refused, err)
		}
	}
}

// No panic, and what is accepted is accepted by the schema too.
func FuzzParse(f *testing.F) {
	f.Add(example(f))
	for _, tc := range cases {
		f.Add([]byte(tc.src))
	}
	s := compiled(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := configfile.Parse("/x/exhibit.yaml", src, configfile.Known{})
		if err != nil {
			var ps yamlfile.Problems
			if !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			return
		}
		for _, s := range c.Sources {
			if s.Zone == nil || !json.Valid(s.Settings) {
				t.Fatalf("source %+v", s)
			}
		}
		if v := free(t, src); !holdsNull(v) {
			if err := s.Validate(v); err != nil {
				t.Fatalf("the schema refuses what was accepted: %v", err)
			}
		}
	})
}

func holdsNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, e := range v {
			if holdsNull(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if holdsNull(e) {
				return true
			}
		}
	}
	return false
}
