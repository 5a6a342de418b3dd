package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// roles answers AssumeRole for the roles of accounts that open, and says who
// asks by the keys: those of an account are named after it.
func (f *fakeAWS) roles(open map[string]string) {
	f.raw["AssumeRole"] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		account := partOf(r.PostForm.Get("RoleArn"), 4)
		want, ok := open[account]
		if !ok || r.PostForm.Get("ExternalId") != want {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIA%s</AccessKeyId>`+
			`<SecretAccessKey>rolesecret</SecretAccessKey><SessionToken>roletoken</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>`+
			`<AssumedRoleUser><Arn>arn:aws:sts::%[1]s:assumed-role/r/exhibit</Arn><AssumedRoleId>X:exhibit</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`, account)
	}
	f.raw["GetCallerIdentity"] = func(w http.ResponseWriter, r *http.Request) {
		account := "123456789012"
		if _, key, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=ASIA"); ok {
			account = key[:12]
		}
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:sts::%[1]s:assumed-role/reader/exhibit</Arn>`+
			`<UserId>X</UserId><Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, account)
	}
}

// with adds settings to a configuration.
func with(t *testing.T, cc connector.Config, more obj) connector.Config {
	t.Helper()
	var settings obj
	if err := json.Unmarshal(cc.Settings, &settings); err != nil {
		t.Fatal(err)
	}
	for k, v := range more {
		settings[k] = v
	}
	cc.Settings = mustJSON(t, settings)
	return cc
}

const roleARN = "arn:aws:iam::%s:role/exhibit-reader"

// registriesOf are the registries and gaps of a run, by what identifies them.
func registriesOf(t *testing.T, rec *recorder) (registries, gaps []string) {
	t.Helper()
	for _, r := range rec.byKind(records.KindModelVersion) {
		registries = append(registries, payload(t, r)["registry"].(string))
	}
	slices.Sort(registries)
	for _, g := range rec.gaps {
		gaps = append(gaps, strings.TrimSpace(g.Scope+" "+string(g.Reason)+" "+g.Permission))
	}
	slices.Sort(gaps)
	return slices.Compact(registries), slices.Compact(gaps)
}

func TestAccountsByList(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.roles(map[string]string{"111111111111": "one", "333333333333": ""})
	rec, cov, err := run(t, with(t, f.config(), obj{"accounts": []obj{
		{"id": "123456789012"},
		{"id": "111111111111", "role_arn": fmt.Sprintf(roleARN, "111111111111"), "external_id": "one"},
		{"id": "222222222222", "role_arn": fmt.Sprintf(roleARN, "222222222222")},
		{"id": "333333333333", "role_arn": fmt.Sprintf(roleARN, "333333333333")},
		{"id": "444444444444"}, // without a role, the identity's own account or none
	}}))
	if err != nil {
		t.Fatal(err)
	}
	registries, gaps := registriesOf(t, rec)
	if d := cmp.Diff([]string{"sagemaker/111111111111/eu-west-1", "sagemaker/123456789012/eu-west-1", "sagemaker/333333333333/eu-west-1"}, registries); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"account 222222222222 denied sts:AssumeRole", "account 444444444444 not_found"}, gaps); d != "" {
		t.Error(d)
	}
	if len(rec.gaps[0].Kinds) != len(New().Describe().Kinds) {
		t.Errorf("an account that cannot be entered misses %v", rec.gaps[0].Kinds)
	}
	c := cov[records.KindModelVersion]
	if c.Status != connector.Partial || c.Enumerated || !strings.Contains(c.Query, "accounts 123456789012, 111111111111, 333333333333, regions eu-west-1; no other region") {
		t.Errorf("%+v", c)
	}
	if strings.Contains(string(mustJSON(t, rec.gaps)), "roletoken") || slices.Contains(f.keys, "") {
		t.Errorf("gaps %v, keys %v", rec.gaps, f.keys)
	}
}

func TestOrganization(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.roles(map[string]string{"111111111111": "ext", "222222222222": "ext"})
	f.ops["ListAccounts"] = func(in obj) (int, any) {
		if in["NextToken"] == nil {
			return 200, obj{"Accounts": []obj{{"Id": "123456789012", "State": "ACTIVE"}, {"Id": "111111111111", "Status": "ACTIVE"}}, "NextToken": "2"}
		}
		return 200, obj{"Accounts": []obj{{"Id": "222222222222", "State": "SUSPENDED", "Status": "SUSPENDED"}, {"Id": "333333333333", "State": "ACTIVE"}, {"Id": "555555555555", "State": "ACTIVE"}}}
	}
	cfg := with(t, f.config(), obj{"organization": obj{"role_name": "audit/exhibit-reader", "exclude": []string{"555555555555"}}})
	cfg.Secrets["external_id"] = "ext"
	rec, cov, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	registries, gaps := registriesOf(t, rec)
	if d := cmp.Diff([]string{"sagemaker/111111111111/eu-west-1", "sagemaker/123456789012/eu-west-1"}, registries); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"account 222222222222 unsupported", "account 333333333333 denied sts:AssumeRole"}, gaps); d != "" {
		t.Error(d)
	}
	if q := cov[records.KindDeployment].Query; !strings.Contains(q, "left out by the settings: account 555555555555") {
		t.Errorf("%s", q)
	}
	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	for _, p := range rep.Permissions {
		switch p.Permission {
		case assumeRole:
			if p.Grant != connector.Missing || !strings.Contains(p.Detail, "account 333333333333") {
				t.Errorf("%+v", p)
			}
		case listAccounts:
			if p.Grant != connector.Granted {
				t.Errorf("%+v", p)
			}
		}
	}
	if d := cmp.Diff([]string{"account 123456789012, region eu-west-1", "account 111111111111, region eu-west-1"}, rep.Scope); d != "" {
		t.Error(d)
	}
}

// An organisation that does not list its accounts is no empty one.
func TestOrganizationThatCannotBeListed(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(obj) (int, any)
		reason connector.Reason
		perm   string
	}{
		"denied":           {failWith("AccessDeniedException"), connector.Denied, listAccounts},
		"no organisation":  {failWith("AWSOrganizationsNotInUseException"), connector.Unsupported, ""},
		"no list":          {one(obj{}), connector.Malformed, ""},
		"without a state":  {one(obj{"Accounts": []obj{{"Id": "111111111111"}}}), connector.Malformed, ""},
		"pages for ever":   {one(obj{"Accounts": []obj{}, "NextToken": "x"}), connector.Malformed, ""},
		"an unknown state": {one(obj{"Accounts": []obj{{"Id": "111111111111", "State": "ON_THE_MOON"}}}), connector.Unsupported, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.ops["ListAccounts"] = tt.answer
			cfg := with(t, f.config(), obj{"organization": obj{"role_name": "x"}})
			rec, cov, err := run(t, cfg)
			if err != nil || len(rec.gaps) != 1 || rec.gaps[0].Reason != tt.reason || rec.gaps[0].Permission != tt.perm || len(rec.records) != 0 {
				t.Fatalf("gaps %+v, records %v, error %v", rec.gaps, rec.records, err)
			}
			for kind, c := range cov {
				if c.Status != connector.Refused || c.Enumerated {
					t.Errorf("%s: %+v", kind, c)
				}
			}
			rep, err := New().Check(t.Context(), cfg)
			if err != nil || rep.Problem == "" || rep.Remedy == "" {
				t.Errorf("%+v, %v", rep, err)
			}
		})
	}
}

// allRegionsOf answers EC2's list of regions.
func (f *fakeAWS) allRegionsOf(items ...string) {
	f.raw["DescribeRegions"] = func(w http.ResponseWriter, r *http.Request) {
		if r.PostForm.Get("AllRegions") != "true" || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/ec2/aws4_request") {
			f.t.Errorf("asked %v with %q", r.PostForm, r.Header.Get("Authorization"))
		}
		fmt.Fprint(w, `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>`)
		for _, i := range items {
			name, state, _ := strings.Cut(i, " ")
			fmt.Fprintf(w, `<item><regionName>%s</regionName><regionEndpoint>x</regionEndpoint><optInStatus>%s</optInStatus></item>`, name, state)
		}
		fmt.Fprint(w, `</regionInfo></DescribeRegionsResponse>`)
	}
}

func TestAllEnabledRegions(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.allRegionsOf("eu-west-1 opt-in-not-required", "us-east-1 opt-in-not-required", "eu-south-2 opted-in", "ap-east-1 not-opted-in", "me-south-1 not-opted-in")
	rec, cov, err := run(t, f.config("all"))
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	registries, _ := registriesOf(t, rec)
	if d := cmp.Diff([]string{"sagemaker/123456789012/eu-south-2", "sagemaker/123456789012/eu-west-1", "sagemaker/123456789012/us-east-1"}, registries); d != "" {
		t.Error(d)
	}
	if q := cov[records.KindDeployment].Query; !strings.Contains(q, "regions eu-south-2, eu-west-1, us-east-1;") || !strings.Contains(q, "not switched on: ap-east-1, me-south-1") {
		t.Errorf("%s", q)
	}
	for _, op := range []string{"DescribeModelPackageGroup", "DescribeModelPackage", "DescribeEndpoint"} {
		f.ops[op] = failWith("ValidationException")
	}
	rep, err := New().Check(t.Context(), f.config("all"))
	if err != nil || len(rep.Scope) != 3 {
		t.Errorf("%+v, %v", rep.Scope, err)
	}
}

func TestRegionsThatCannotBeListed(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		reason connector.Reason
		perm   string
	}{
		"denied":        {403, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized.</Message></Error></Errors></Response>`, connector.Denied, describeRegions},
		"not offered":   {400, `<Response><Errors><Error><Code>InvalidAction</Code><Message>x</Message></Error></Errors></Response>`, connector.Unsupported, ""},
		"a page":        {200, `<html>hello</html>`, connector.Malformed, ""},
		"no list":       {200, `<DescribeRegionsResponse></DescribeRegionsResponse>`, connector.Malformed, ""},
		"an empty list": {200, `<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>`, connector.Malformed, ""},
		"no names": {200, `<DescribeRegionsResponse><regionInfo><item><regionName>evil.example/x</regionName></item></regionInfo></DescribeRegionsResponse>`,
			connector.Malformed, ""},
		"no answer": {501, ``, connector.Unsupported, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.fill()
			f.raw["DescribeRegions"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status); fmt.Fprint(w, tt.body) }
			rec, cov, err := run(t, f.config("all"))
			if err != nil || len(rec.gaps) != 1 || rec.gaps[0].Reason != tt.reason || rec.gaps[0].Permission != tt.perm {
				t.Fatalf("gaps %+v, error %v", rec.gaps, err)
			}
			registries, _ := registriesOf(t, rec)
			if d := cmp.Diff([]string{"sagemaker/123456789012/us-east-1"}, registries); d != "" || cov[records.KindModel].Status != connector.Partial {
				t.Errorf("%s %+v", d, cov[records.KindModel])
			}
		})
	}
}

func TestConformanceOfAccounts(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.roles(map[string]string{"111111111111": ""})
	connectortest.Run(t, New(), connectortest.Case{Config: with(t, f.config(), obj{"accounts": []obj{
		{"id": "123456789012"}, {"id": "111111111111", "role_arn": fmt.Sprintf(roleARN, "111111111111")},
		{"id": "222222222222", "role_arn": fmt.Sprintf(roleARN, "222222222222")},
	}})})
}

func TestSettingsOfAccounts(t *testing.T) {
	for want, settings := range map[string]string{
		"give one of them":                        `{"regions":["eu-west-1"],"accounts":[{"id":"111111111111"}],"organization":{"role_name":"x"}}`,
		"twelve digits":                           `{"regions":["eu-west-1"],"accounts":[{"id":"1"}]}`,
		"is there twice":                          `{"regions":["eu-west-1"],"accounts":[{"id":"111111111111"},{"id":"111111111111"}]}`,
		"not a role of account":                   `{"regions":["eu-west-1"],"accounts":[{"id":"111111111111","role_arn":"arn:aws:iam::222222222222:role/x"}]}`,
		"names no role":                           `{"regions":["eu-west-1"],"organization":{"role_name":"a b"}}`,
		`give either "all" or names`:              `{"regions":["all","eu-west-1"]}`,
		`home_region: "moon" is no region`:        `{"regions":["all"],"home_region":"moon"}`,
		`regions: name at least one, or "all"`:    `{"regions":[]}`,
		"lookup_pages: want more than zero":       `{"regions":["all"],"lookup_pages":0}`,
		"lookups_per_second, lookup_pages: want ": `{"regions":["all"],"lookups_per_second":-1}`,
	} {
		if _, err := parseConfig(configOf([]byte(settings))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", settings, err, want)
		}
	}
}
