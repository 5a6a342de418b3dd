package netlogs

import "bytes"

// role is what a column, a key or a code of a log says.
type role uint8

// Roles of columns. The zero value is nothing that is read.
const (
	noRole role = iota
	roleTime
	roleDate // where the time has a column of its own
	roleZone // where the zone has one
	roleHost
	roleURL
	roleSNI // name in the TLS handshake
	rolePort
	roleClient
	roleUser
	roleGroup
	roleAgent
	roleOut
	roleAction
	roleStatus // HTTP status or the answer of a name server
	numRoles
)

// roleNames are the roles as the settings call them.
var roleNames = map[string]role{
	"time": roleTime, "date": roleDate, "zone": roleZone, "host": roleHost, "url": roleURL, "sni": roleSNI, "port": rolePort, "client": roleClient,
	"user": roleUser, "group": roleGroup, "agent": roleAgent, "bytes_out": roleOut, "action": roleAction, "status": roleStatus,
}

func (r role) ofHost() bool { return r == roleHost || r == roleURL || r == roleSNI }

// values are what a line says, by role.
type values [numRoles][]byte

// hosts looks the line's hosts up, the one of the handshake first: behind a
// transparent proxy the address is a number.
func (v *values) hosts(e *event) bool {
	port := 0
	if n, ok := number(v[rolePort]); ok && n < 65536 {
		port = int(n)
	}
	for _, r := range [...]role{roleSNI, roleHost, roleURL} {
		b := given(v[r])
		if b == nil {
			continue
		}
		host, p := hostOf(b)
		if p == 0 {
			p = port
		}
		if e.wants(host, p) && (e.to != nil || e.canary >= 0) {
			return true
		}
	}
	return e.any && v.some()
}

// some reports whether the line names a host at all.
func (v *values) some() bool {
	return given(v[roleSNI]) != nil || given(v[roleHost]) != nil || given(v[roleURL]) != nil
}

// take is the verdict on a line whose values are known and whose host is wanted.
func (v *values) take(e *event) verdict {
	e.client, e.user, e.group, e.agent = given(clientOf(v[roleClient])), given(v[roleUser]), given(v[roleGroup]), given(v[roleAgent])
	e.out = size(v[roleOut])
	e.blocked = e.clock.refused(v[roleAction]) || e.clock.refusedStatus(v[roleStatus])
	when := v[roleTime]
	if len(v[roleDate]) > 0 {
		e.buf = append(append(append(e.buf, bytes.Trim(v[roleDate], "\"")...), ' '), bytes.Trim(when, "\"")...)
		when = e.buf
		if zone := bytes.Trim(v[roleZone], "\""); len(zone) > 0 {
			e.buf = append(append(e.buf, ' '), zone...)
			when = e.buf
		}
	}
	return e.done(when)
}

// refused reports whether an action is one that lets nothing through: by the
// settings' words, or else by those that logs use.
func (c *clock) refused(action []byte) bool {
	if len(action) == 0 {
		return false
	}
	if len(c.blocked) == 0 {
		return isRefusal(action)
	}
	for _, w := range c.blocked {
		if equalFold(action, w) {
			return true
		}
	}
	return false
}

// refusedStatus knows the statuses of HTTP and the answers of DNS that refuse.
func (c *clock) refusedStatus(s []byte) bool {
	return string(s) == "403" || string(s) == "451" || equalFold(s, "refused") || equalFold(s, "nxdomain")
}
