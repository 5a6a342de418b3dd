package netlogs

import (
	"fmt"
	"strings"
)

// benchLines are lines of each form; HOST stands for a host.
func benchLines() map[string]string {
	return map[string]string{
		"squid":            `1795860902.123    345 10.0.0.5 TCP_TUNNEL/200 4321 CONNECT HOST:443 ann HIER_DIRECT/192.0.2.1 -`,
		"combined":         `10.0.0.5 - ann [28/Nov/2026:10:15:02 +0000] "CONNECT HOST:443 HTTP/1.1" 200 222 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" TCP_MISS:HIER_DIRECT`,
		"logformat":        `1795860902.123    345 10.0.0.5 TCP_TUNNEL/200 4321 GET http://HOST/a/b?c=d ann HIER_DIRECT/192.0.2.1 text/html`,
		"coredns":          `2026-11-28T10:15:02.123456789Z stdout F [INFO] 10.0.0.5:50759 - 29008 "A IN HOST. udp 41 false 4096" NOERROR qr,rd,ra 68 0.0379s`,
		"bind":             `28-Nov-2026 10:15:02.123 queries: info: client @0x7f0112345678 10.0.0.5#4711 (HOST): query: HOST IN A +E(0)K (10.0.0.1)`,
		"unbound":          `[1795860902] unbound[12:0] info: 10.0.0.5 HOST. A IN NOERROR 0.000000 0 44`,
		"dnsmasq":          `Nov 28 10:15:02 dnsmasq[12]: query[A] HOST from 10.0.0.5`,
		"windows_dns":      `11/28/2026 10:15:02 AM 0E3C PACKET  000001F4D4A01234 UDP Rcv 10.0.0.5        a1b2   Q [0001   D   NOERROR] A      HOST`,
		"zeek":             "1795860902.123456\tCHhAvVGS1DHFjwGM9\t10.0.0.5\t4711\t10.0.0.1\t53\tudp\t1234\tHOST\tNOERROR",
		"w3c":              `2026-11-28 10:15:02 10.0.0.5 ann HOST TCP_MISS OBSERVED 512 "Mozilla/5.0 (X11)"`,
		"route53_resolver": `{"version":"1.100000","account_id":"123456789012","region":"eu-central-1","vpc_id":"vpc-1","query_timestamp":"2026-11-28T10:15:02Z","query_name":"HOST.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"4711","transport":"UDP","srcids":{"instance":"i-0123456789abcdef0"}}`,
		"adguard":          `{"T":"2026-11-28T11:15:02.12+01:00","QH":"HOST","QT":"A","QC":"IN","CP":"","Answer":"AAA=","Result":{"IsFiltered":false,"Reason":0},"IP":"10.0.0.5","Elapsed":123}`,
		"fortigate":        `date=2026-11-28 time=11:15:02 tz="+0100" devname="fw" devid="FG1" type="utm" subtype="webfilter" level="notice" srcip=10.0.0.5 srcport=4711 dstip=192.0.2.1 dstport=443 hostname="HOST" action="passthrough" sentbyte=99 rcvdbyte=0`,
		"umbrella":         `"2026-11-28 10:15:02","ann@example.com","ann@example.com,Berlin","10.0.0.5","192.0.2.9","Allowed","1 (A)","NOERROR","HOST.","Software"`,
		"route53":          `1.0 2026-11-28T10:15:02Z Z123412341234 HOST A NOERROR UDP FRA6 10.0.0.5 -`,
		"csv":              `2026-11-28 10:15:02,ann@example.com,Research,10.0.0.5,HOST,/v1/chat,Allowed,1234`,
		"json":             `{"timestamp":1795860902,"user":"ann@example.com","url":"HOST/v1","srcip":"10.0.0.5","action":"allow","organization_unit":"Research","category":"Technology","bytes":1234}`,
		"cef":              `CEF:0|Vendor|Product|1.0|100|web|3|src=10.0.0.5 suser=ann dhost=HOST dpt=443 act=allowed out=55 rt=1795860902000`,
		"leef":             "LEEF:1.0|Vendor|Product|1|web|devTime=1795860902000\tsrc=10.0.0.5\tusrName=ann\turl=https://HOST/\taction=allow",
	}
}

var benchColumns = map[string]map[string]string{
	"csv":  {"time": "1", "user": "2", "group": "3", "client": "4", "host": "5", "action": "7", "bytes_out": "8"},
	"json": {"time": "timestamp", "user": "user", "url": "url", "client": "srcip", "action": "action", "group": "organization_unit"},
}

var benchHeaders = map[string]string{
	"zeek": "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\tquery\trcode_name\n",
	"w3c":  "#Fields: date time c-ip cs-username cs-host s-action sc-filter-result cs-bytes cs(User-Agent)\n",
}

func windowsName(host string) []byte {
	var b []byte
	for _, l := range strings.Split(host, ".") {
		b = fmt.Appendf(b, "(%d)%s", len(l), l)
	}
	return append(b, "(0)"...)
}
