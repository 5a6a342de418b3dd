package aisign

import "strings"

// event is one event of an audit log: where it comes from, and the names that
// show use.
type event struct {
	entry
	source string
	names  []string
}

func (s *Set) buildEvents() {
	s.events = map[string][]event{}
	s.lists(func(sig *Signature, l *Lists, doubt bool) {
		for _, e := range l.Events {
			source, names := e.parts()
			s.events[e.Log] = append(s.events[e.Log], event{
				entry:  entry{sig, "events", source + "/" + names, doubt},
				source: strings.ToLower(source), names: strings.Split(strings.ToLower(names), "|"),
			})
		}
	})
}

// parts are where an event comes from and its names, in any log.
func (e Event) parts() (source, names string) {
	if e.Operation != "" {
		provider, _, _ := strings.Cut(e.Operation, "/")
		return provider, e.Operation
	}
	return e.Source + e.Service, e.Name + e.Method
}

// CloudEvent returns whose use an event of a cloud's audit log shows: its log
// (cloudtrail, azure-activity, gcp-audit), the service that wrote it (may be
// empty for Azure, whose operations name it) and the name of the event,
// method or operation. Events of administration, such as listing models, are
// nobody's.
func (s *Set) CloudEvent(log, source, name string) []Match {
	log, source, name = lower(log), lower(source), lower(name)
	if len(name) > maxName {
		return nil
	}
	var f found
	for _, e := range s.events[log] {
		if e.source != source && (source != "" || log != "azure-activity") {
			continue
		}
		for _, want := range e.names {
			if glob(want, name) {
				f.add(e.match(), len(want))
			}
		}
	}
	return f.sorted()
}

// Cost returns whose a name on a cloud's bill is: of a service, a product or a
// meter's category.
func (s *Set) Cost(name string) []Match {
	if len(name) > maxName {
		return nil
	}
	return s.costs.matches(spaced(name))
}
