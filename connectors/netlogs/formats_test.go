package netlogs

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seen is what a line was understood as.
func seen(t testing.TB, l *logConfig, form, text string, ref time.Time) []string {
	t.Helper()
	if l.zone == nil {
		l.zone = time.UTC
	}
	table := newTable(signatures(t).All(), nil)
	c := l.clock(ref, ref.Add(time.Hour))
	var f format
	var env envelope
	if form == "" {
		var err error
		if f, env, err = newProbe([]byte(text), table, c).detect(); err != nil {
			return []string{err.Error()}
		}
	} else {
		f, _ = formatOf(form)
		env = newProbe([]byte(text), table, c).wrapping(f, l)
	}
	p, err := f.parser(l)
	if err == nil {
		err = p.prime([]byte(text))
	}
	if err != nil {
		return []string{err.Error()}
	}
	out := []string{strings.TrimSuffix(f.name+" in "+env.String(), " in ")}
	e := &event{table: table, clock: &c}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		e.reset()
		body, ok := env.open([]byte(line), e)
		v := bad
		if ok {
			v = p.parse(body, e)
		}
		out = append(out, say(v, e))
	}
	return out
}

func say(v verdict, e *event) string {
	names := [...]string{"bad", "other", "miss", "hit", "canary", "undated", "untimely"}
	if v != hit {
		return names[v]
	}
	s := fmt.Sprintf("%s %s %s from %s", time.Unix(e.at, 0).UTC().Format(time.RFC3339), e.to.rule(), e.host, e.client)
	for name, b := range map[string][]byte{"user": e.user} {
		if len(b) > 0 {
			s += fmt.Sprintf(" %s %s", name, b)
		}
	}
	if len(e.group) > 0 {
		s += fmt.Sprintf(" of %s", e.group)
	}
	if len(e.agent) > 0 {
		s += fmt.Sprintf(" by %s", e.agent)
	}
	if e.out >= 0 {
		s += fmt.Sprintf(" out %d", e.out)
	}
	for word, is := range map[string]bool{"blocked": e.blocked} {
		if is {
			s += " " + word
		}
	}
	if e.only {
		s += " only"
	}
	if e.reply {
		s += " reply"
	}
	return s
}

var reference = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// Lines that real servers wrote, on the loopback of the machine that this was
// made on; peers_test.go makes them again.
func TestRealLines(t *testing.T) {
	for _, c := range []struct {
		file string
		log  logConfig
		want []string
	}{
		{"squid.log", logConfig{}, []string{"squid",
			"miss",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1",
			"2026-11-29T00:57:50Z openai/web chatgpt.com from 127.0.0.1",
			"2026-11-29T00:57:50Z anthropic/web claude.ai from 127.0.0.1 blocked",
			"2026-11-29T00:57:50Z anthropic/hosts api.anthropic.com from 127.0.0.1",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1",
		}},
		{"squid-combined.log", logConfig{}, []string{"combined",
			"miss",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1 by OpenAI/Python 1.99.1",
			"2026-11-29T00:57:50Z openai/web chatgpt.com from 127.0.0.1 by curl/7.88.1",
			"2026-11-29T00:57:50Z anthropic/web claude.ai from 127.0.0.1 by curl/7.88.1 blocked",
			"2026-11-29T00:57:50Z anthropic/hosts api.anthropic.com from 127.0.0.1 by curl/7.88.1",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1 by curl/7.88.1",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1 by curl/7.88.1",
		}},
		{"squid-custom.log", logConfig{Format: "logformat", Logformat: `%tl %>a "%rm %ru" %Ss/%03>Hs %>st "%{User-Agent}>h" %[un`}, []string{"logformat",
			"miss",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1 by OpenAI/Python 1.99.1 out 245",
			"2026-11-29T00:57:50Z openai/web chatgpt.com from 127.0.0.1 by curl/7.88.1 out 135",
			"2026-11-29T00:57:50Z anthropic/web claude.ai from 127.0.0.1 by curl/7.88.1 out 119 blocked",
			"2026-11-29T00:57:50Z anthropic/hosts api.anthropic.com from 127.0.0.1 by curl/7.88.1 out 126",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1 by curl/7.88.1 out 208",
			"2026-11-29T00:57:50Z openai/hosts api.openai.com from 127.0.0.1 by curl/7.88.1 out 181",
		}},
		{"bind.log", logConfig{}, []string{"bind",
			"2026-11-29T00:58:22Z openai/hosts api.openai.com from 127.0.0.1", "miss",
			"2026-11-29T00:58:22Z openai/web chatgpt.com from 127.0.0.1", "miss",
			"2026-11-29T00:58:22Z anthropic/hosts API.Anthropic.COM from 127.0.0.1",
			"2026-11-29T00:58:22Z anthropic/web claude.ai from 127.0.0.1",
			"2026-11-29T00:58:22Z openai/hosts api.openai.com from 127.0.0.1",
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/real/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			form := ""
			if c.log.Format != "" {
				form = c.log.Format
			}
			if d := cmp.Diff(c.want, seen(t, &c.log, form, string(raw), reference)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Recordings with lines of other kinds among them: what counts.
func TestRealLinesMixed(t *testing.T) {
	for file, want := range map[string]string{
		"unbound.log":       "unbound: openai 6 (3 reply), anthropic 4 (2 reply, 2 blocked), other 7",
		"dnsmasq.log":       "dnsmasq: openai 3, anthropic 3 (1 blocked), other 11",
		"dnsmasq-extra.log": "dnsmasq: openai 3, anthropic 3 (1 blocked), other 11",
		"coredns.log":       "coredns: undated 5, other 5",
	} {
		raw, err := os.ReadFile("testdata/real/" + file)
		if err != nil {
			t.Fatal(err)
		}
		all := seen(t, &logConfig{}, "", string(raw), reference)
		n := map[string]int{}
		for _, s := range all[1:] {
			who := s
			if _, rest, ok := strings.Cut(s, " "); ok {
				who, _, _ = strings.Cut(rest, "/")
			}
			n[who]++
			for _, w := range []string{"reply", "blocked"} {
				if strings.Contains(s, " "+w) {
					n[who+" "+w]++
				}
			}
		}
		got := all[0] + ":"
		for _, who := range []string{"openai", "anthropic", "undated", "bad", "other"} {
			if n[who] == 0 {
				continue
			}
			got += fmt.Sprintf(" %s %d", who, n[who])
			var more []string
			for _, w := range []string{"reply", "blocked"} {
				if n[who+" "+w] > 0 {
					more = append(more, fmt.Sprintf("%d %s", n[who+" "+w], w))
				}
			}
			if len(more) > 0 {
				got += " (" + strings.Join(more, ", ") + ")"
			}
			got += ","
		}
		if got = strings.TrimSuffix(got, ","); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

// Forms that nobody here could run: lines as their vendors describe them.
func TestDescribedLines(t *testing.T) {
	hit := "2026-11-28T10:15:02Z openai/hosts api.openai.com from 10.0.0.5"
	for name, c := range map[string]struct {
		log  logConfig
		form string // empty: to be told
		text string
		want []string
	}{
		"windows": {logConfig{}, "", "DNS Server log file creation at 11/28/2026 10:00:00 AM\n" +
			"11/28/2026 10:15:02 AM 0E3C PACKET  000001F4D4A01234 UDP Rcv 10.0.0.5        a1b2   Q [0001   D   NOERROR] A      (3)api(6)openai(3)com(0)\n" +
			"11/28/2026 10:15:02 AM 0E3C PACKET  000001F4D4A01234 UDP Snd 192.0.2.53      a1b2   Q [0001   D   NOERROR] A      (3)api(6)openai(3)com(0)\n" +
			"11/28/2026 10:15:02 AM 0E3C PACKET  000001F4D4A01234 UDP Snd 10.0.0.5        a1b2 R Q [8381   DR NXDOMAIN] A      (3)api(6)openai(3)com(0)\n" +
			"11/28/2026 3:15:02 PM 0E3C PACKET  000001F4D4A01234 UDP Rcv 10.0.0.5        a1b2   Q [0001   D   NOERROR] A      (3)www(7)example(3)org(0)\n",
			[]string{"windows_dns", "other", hit, "other", hit + " blocked reply", "miss"}},
		"windows, German": {logConfig{zone: berlin(t)}, "", "28.11.2026 11:15:02 0E3C PACKET  000001F4D4A01234 UDP Rcv 10.0.0.5        a1b2   Q [0001   D   NOERROR] A      (3)api(6)openai(3)com(0)\n",
			[]string{"windows_dns", hit}},
		"zeek dns": {logConfig{}, "", "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tquery\trcode_name\n#types\ttime\tstring\taddr\tport\tstring\tstring\n" +
			"1795860902.123456\tC1\t10.0.0.5\t4711\tapi.openai.com\tNOERROR\n1795860902.123456\tC1\t10.0.0.5\t4711\t-\t-\n#close\t2026\n",
			[]string{"zeek", "other", "other", "other", "other", hit, "other", "other"}},
		"zeek ssl, json": {logConfig{}, "", `{"ts":1795860902.5,"uid":"C1","id.orig_h":"10.0.0.5","id.resp_p":443,"server_name":"api.openai.com"}` + "\n",
			[]string{"zeek_json", hit}},
		"zeek http": {logConfig{}, "", "#fields\tts\tid.orig_h\tid.resp_p\tmethod\thost\turi\tuser_agent\trequest_body_len\tusername\n1795860902.1\t10.0.0.5\t80\tPOST\tapi.openai.com\t/v1\tOpenAI/Python 1.2\t77\t-\n",
			[]string{"zeek", "other", hit + " by OpenAI/Python 1.2 out 77"}},
		"w3c": {logConfig{}, "", "#Software: ProxySG\n#Fields: date time c-ip cs-username cs-host s-action sc-filter-result cs-bytes cs(User-Agent)\n" +
			"2026-11-28 10:15:02 10.0.0.5 ann api.openai.com TCP_DENIED DENIED 512 \"Mozilla/5.0 (X11)\"\n",
			[]string{"w3c", "other", "other", hit + " user ann by Mozilla/5.0 (X11) out 512 blocked"}},
		"resolver of a VPC": {logConfig{}, "", `{"version":"1.100000","account_id":"123456789012","region":"eu-central-1","vpc_id":"vpc-1","query_timestamp":"2026-11-28T10:15:02Z","query_name":"api.openai.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"4711","transport":"UDP","srcids":{"instance":"i-1"}}` + "\n",
			[]string{"route53_resolver", hit}},
		"adguard": {logConfig{}, "", `{"T":"2026-11-28T11:15:02.12+01:00","QH":"api.openai.com","QT":"A","QC":"IN","CP":"","Answer":"AAA=","Result":{"IsFiltered":true,"Reason":3},"IP":"10.0.0.5","Elapsed":1}` + "\n",
			[]string{"adguard", hit + " blocked"}},
		"pihole": {logConfig{}, "", `{"id":1,"time":1795860902.2,"type":"A","domain":"api.openai.com","status":"GRAVITY","client":{"ip":"10.0.0.5","name":null}}` + "\n",
			[]string{"pihole", hit + " blocked"}},
		"cloud dns": {logConfig{}, "", `{"insertId":"1","timestamp":"2026-11-28T10:15:02.5Z","jsonPayload":{"queryName":"api.openai.com.","sourceIP":"10.0.0.5","responseCode":"NOERROR"}}` + "\n",
			[]string{"gcp_dns", hit}},
		"azure firewall": {logConfig{}, "", `{"time":"2026-11-28T10:15:02.5Z","category":"AZFWApplicationRule","properties":{"Protocol":"HTTPS","SourceIp":"10.0.0.5","Fqdn":"api.openai.com","Action":"Deny"}}` + "\n",
			[]string{"azure_firewall", hit + " blocked"}},
		"fortigate": {logConfig{}, "", `<189>date=2026-11-28 time=11:15:02 tz="+0100" devname="fw" type="utm" subtype="webfilter" srcip=10.0.0.5 user="ANN" hostname="api.openai.com" action="blocked" sentbyte=99 url="https://api.openai.com/v1"` + "\n" +
			`<189>date=2026-11-28 time=11:15:02 tz="+0100" type="traffic" srcip=10.0.0.5 dstip=192.0.2.1 action="close"` + "\n" +
			`<189>date=2026-11-28 time=11:15:02 tz="+0100" srcip=10.0.0.5 hostname="www.example.org" action="passthrough"` + "\n",
			[]string{"fortigate", hit + " user ANN out 99 blocked", "other", "miss"}},
		"umbrella": {logConfig{}, "", `"2026-11-28 10:15:02","ann@example.com","ann@example.com,Berlin","10.0.0.5","192.0.2.9","Blocked","1 (A)","NOERROR","api.openai.com.","Generative AI"` + "\n",
			[]string{"umbrella", hit + " user ann@example.com blocked"}},
		"route 53": {logConfig{}, "", "1.0 2026-11-28T10:15:02Z Z123412341234 api.openai.com A NOERROR UDP FRA6 10.0.0.5 -\n", []string{"route53", hit}},
		"zscaler": {logConfig{Format: "csv", Columns: map[string]string{"time": "datetime", "url": "url", "user": "login", "client": "cip", "group": "department", "bytes_out": "reqsize", "action": "action", "agent": "ua"}}, "csv",
			"datetime,login,department,cip,url,action,reqsize,ua\n\"Sat Nov 28 10:15:02 2026\",ann@example.com,\"R&D, Lab\",10.0.0.5,api.openai.com/v1/chat,Blocked,1234,\"x \"\"y\"\" z\"\n",
			[]string{"csv", "other", hit + " user ann@example.com of R&D, Lab by x \"\"y\"\" z out 1234 blocked"}},
		"netskope": {logConfig{Format: "json", Columns: map[string]string{"time": "timestamp", "url": "url", "user": "user", "client": "srcip", "action": "action", "group": "organization_unit"}}, "json",
			`{"timestamp": 1795860902, "user": "ann@example.com", "url": "api.openai.com/v1", "srcip": "10.0.0.5", "action": "useralert", "organization_unit": "R\u0026D"}` + "\n",
			[]string{"json", hit + " user ann@example.com of R&D"}},
		"columns by number, in syslog": {logConfig{Format: "csv", Columns: map[string]string{"time": "2", "client": "8", "user": "13", "action": "31", "url": "32"}}, "csv",
			`<14>Nov 28 10:15:03 fw01 1,2026/11/28 10:15:02,0001,THREAT,url,1,2026/11/28 10:15:02,10.0.0.5,192.0.2.1,,,rule,corp\ann,,ssl,vsys1,in,out,e1,e2,log,1,1,1,4711,443,0,0,0x0,tcp,block-url,"api.openai.com/v1",(9999),gen-ai` + "\n",
			[]string{"csv", hit + ` user corp\ann blocked`}},
		"cef": {logConfig{}, "cef", `Nov 28 10:15:02 fw CEF:0|Vendor|Product|1.0|100|web \| x|3|src=10.0.0.5 suser=ann smith dhost=api.openai.com dpt=443 request=https://api.openai.com/v1?a\=b act=blocked out=55 rt=1795860902000` + "\n",
			[]string{"cef", hit + " user ann smith out 55 blocked"}},
		"leef": {logConfig{}, "leef", "LEEF:2.0|Vendor|Product|1|web|^|devTime=1795860902000\tsrc=10.0.0.5\tusrName=ann\turl=https://api.openai.com/\taction=allow\n",
			[]string{"leef", hit + " user ann"}},
		"squid in RFC 5424": {logConfig{}, "", `<134>1 2026-11-28T10:15:03.1Z proxy squid 12 - [a b="]"] 1795860902.123    345 10.0.0.5 TCP_TUNNEL/200 4321 CONNECT api.openai.com:443 ann HIER_DIRECT/192.0.2.1 -` + "\n",
			[]string{"squid in syslog", hit + " user ann"}},
		"squid in RFC 3164": {logConfig{}, "", `<134>Nov 28 10:15:03 proxy squid[12]: 1795860902.123    345 10.0.0.5 TCP_TUNNEL/200 4321 CONNECT api.openai.com:443 ann HIER_DIRECT/192.0.2.1 -` + "\n",
			[]string{"squid in syslog", hit + " user ann"}},
		"coredns in a pod": {logConfig{}, "", `2026-11-28T10:15:02.123456789Z stdout F [INFO] 10.0.0.5:50759 - 29008 "A IN api.openai.com. udp 41 false 4096" NOERROR qr,rd,ra 68 0.0379s` + "\n",
			[]string{"coredns", hit}},
		"coredns in docker": {logConfig{}, "", `{"log":"[INFO] 10.0.0.5:50759 - 29008 \"A IN api.openai.com. udp 41 false 4096\" NXDOMAIN qr,rd,ra 68 0.0379s\n","stream":"stdout","time":"2026-11-28T10:15:02.123456789Z"}` + "\n",
			[]string{"coredns in docker", hit + " blocked"}},
		"coredns without a time": {logConfig{Undated: "file_time"}, "coredns", `[INFO] 10.0.0.5:50759 - 29008 "A IN api.openai.com. udp 41 false 4096" NOERROR qr,rd,ra 68 0.0379s` + "\n",
			[]string{"coredns", "2026-11-29T12:00:00Z openai/hosts api.openai.com from 10.0.0.5"}},
		"unbound in syslog": {logConfig{zone: berlin(t)}, "", "Nov 28 11:15:02 ns1 unbound: [12:0] info: 10.0.0.5 api.openai.com. A IN\n", []string{"unbound", hit}},
		"bind with a view":  {logConfig{}, "", "28-Nov-2026 10:15:02.123 queries: info: client @0x7f01 10.0.0.5#4711 (api.openai.com): view internal: query: api.openai.com IN A +E(0)K (10.0.0.1)\n", []string{"bind", hit}},
		"transparent proxy": {logConfig{Format: "logformat", Logformat: `%ts.%03tu %>a %Ss/%03>Hs %rm %ru %ssl::>sni`}, "logformat",
			"1795860902.123 10.0.0.5 TCP_TUNNEL/200 CONNECT 192.0.2.7:443 api.openai.com\n1795860902.123 10.0.0.5 TCP_TUNNEL/200 CONNECT 192.0.2.7:443 -\n", []string{"logformat", hit, "miss"}},
		"flow log": {logConfig{}, "", "2 123456789012 eni-0123 10.0.0.5 192.0.2.1 4711 443 6 10 840 1795860902 1795860962 ACCEPT OK\n",
			[]string{"it is a VPC flow log, which holds addresses and no names of hosts: give the resolver's query logs instead"}},
		"not a log": {logConfig{}, "", "Dear all,\nplease find api.openai.com enclosed.\n",
			[]string{fmt.Sprintf("its first lines are of no form that is known (%d were tried): name its format in the settings, with columns if it is csv, json or keyvalue", triedForms())}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, seen(t, &c.log, c.form, c.text, reference)); d != "" {
				t.Error(d)
			}
		})
	}
}

func triedForms() (n int) {
	for _, f := range formats() {
		if f.guess {
			n += 3
			if f.whole {
				n--
			}
		}
	}
	return n
}

func berlin(t testing.TB) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A line that is cut anywhere is bad, or says no more than it holds; never does
// it name a host that the whole line does not.
func TestCutLines(t *testing.T) {
	table := newTable(signatures(t).All(), nil)
	for form, line := range map[string]string{
		"squid":            `1795860902.123    345 10.0.0.5 TCP_TUNNEL/200 4321 CONNECT www.example.org:443 ann HIER_DIRECT/192.0.2.1 -`,
		"combined":         `10.0.0.5 - ann [28/Nov/2026:10:15:02 +0000] "GET http://www.example.org/ HTTP/1.1" 200 222 "-" "curl" TCP_MISS:HIER_DIRECT`,
		"bind":             `28-Nov-2026 10:15:02.123 queries: info: client @0x7f01 10.0.0.5#4711 (www.example.org): query: www.example.org IN A +E(0)K (10.0.0.1)`,
		"route53_resolver": `{"query_timestamp":"2026-11-28T10:15:02Z","query_name":"www.example.org.","srcaddr":"10.0.0.5"}`,
		"fortigate":        `date=2026-11-28 time=11:15:02 tz="+0100" srcip=10.0.0.5 hostname="www.example.org" action="passthrough"`,
	} {
		f, _ := formatOf(form)
		l := &logConfig{zone: time.UTC}
		p, err := f.parser(l)
		if err != nil {
			t.Fatal(err)
		}
		c := l.clock(reference, reference)
		e := &event{table: table, clock: &c}
		for i := range len(line) + 1 {
			for _, b := range []string{line[:i], line[i:]} {
				e.reset()
				if v := p.parse([]byte(b), e); v == hit {
					t.Errorf("%s: %q is taken for a hit of %s", form, b, e.host)
				}
			}
		}
	}
}

func TestNoAllocationPerLine(t *testing.T) {
	table := newTable(signatures(t).All(), nil)
	for name, line := range benchLines() {
		f, _ := formatOf(name)
		l := &logConfig{zone: time.UTC, Format: name, Columns: benchColumns[name], Logformat: layoutSquid}
		p, err := f.parser(l)
		if err != nil {
			t.Fatal(err)
		}
		c := l.clock(reference, reference)
		e := &event{table: table, clock: &c, buf: make([]byte, 0, 512)}
		for _, host := range []string{"www.example.org", "api.openai.com"} {
			b := bytes.ReplaceAll([]byte(line), []byte("HOST"), []byte(host))
			if name == "windows_dns" {
				b = bytes.ReplaceAll([]byte(line), []byte("HOST"), windowsName(host))
			}
			want := map[string]verdict{"www.example.org": miss, "api.openai.com": hit}[host]
			if err := p.prime(append([]byte(benchHeaders[name]), b...)); err != nil {
				t.Fatal(name, err)
			}
			var got verdict
			if n := testing.AllocsPerRun(50, func() { e.reset(); got = p.parse(b, e) }); n != 0 {
				t.Errorf("%s, %s: %v allocations", name, host, n)
			}
			if got != want {
				t.Errorf("%s, %s: verdict %d, want %d", name, host, got, want)
			}
		}
	}
}
