package pluginhost_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// syncBuffer is a buffer for several writers.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// raw is a hostile connector: it speaks the protocol without serve.
type raw struct {
	wire.UnimplementedConnectorServer
	mode string
}

func (r raw) Describe(context.Context, *wire.DescribeRequest) (*wire.Descriptor, error) {
	d := wire.EncodeDescriptor(describeFake("raw-" + r.mode))
	switch r.mode {
	case "impostor":
		d.Name = "fake"
	case "schema":
		d.ConfigSchema = []byte(`{"$ref":"file:///etc/passwd"}`)
	case "kinds":
		d.Kinds = append(d.Kinds, &wire.KindSpec{Kind: "../../etc", Major: 1})
	}
	return d, nil
}

// good returns a record that is allowed, changed by f.
func good(f func(*wire.Record)) *wire.Item {
	r := wire.EncodeRecord(thing(1, 0))
	f(r)
	return &wire.Item{Item: &wire.Item_Record{Record: r}}
}

func coverageAll() map[string]*wire.KindCoverage {
	return map[string]*wire.KindCoverage{
		"test.thing": {Status: "complete", Enumerated: true, IndependentCount: -1},
		"test.other": {IndependentCount: -1},
	}
}

func counts(things int64) *wire.Counts {
	return &wire.Counts{Records: map[string]int64{"test.thing": things}}
}

// badItems are single items that no host may accept, by mode.
func badItems() map[string]*wire.Item {
	cursor := func(name, value string) *wire.Item {
		return &wire.Item{Item: &wire.Item_Cursor{Cursor: &wire.CursorSet{Name: name, Value: value}}}
	}
	gap := func(g *wire.Gap) *wire.Item { return &wire.Item{Item: &wire.Item_Gap{Gap: g}} }
	validator := func(key string, v *wire.Validator) *wire.Item {
		return &wire.Item{Item: &wire.Item_Validator{Validator: &wire.ValidatorSet{Key: key, Validator: v}}}
	}
	return map[string]*wire.Item{
		"tomorrow": good(func(r *wire.Record) {
			r.Key = "from-the-future"
			r.EventTime = timestamppb.New(time.Now().Add(24 * time.Hour))
		}),
		"notatime":    good(func(r *wire.Record) { r.EventTime = &timestamppb.Timestamp{Seconds: 1 << 60} }),
		"period":      good(func(r *wire.Record) { r.Period = &wire.Period{From: timestamppb.New(time.Now())} }),
		"kind":        good(func(r *wire.Record) { r.Kind = "test.unknown" }),
		"major":       good(func(r *wire.Record) { r.Major = 2 }),
		"majorneg":    good(func(r *wire.Record) { r.Major = -1 }),
		"nokey":       good(func(r *wire.Record) { r.Key = "" }),
		"keycontrol":  good(func(r *wire.Record) { r.Key = "a\x00b" }),
		"keylong":     good(func(r *wire.Record) { r.Key = strings.Repeat("k", 5000) }),
		"subject":     good(func(r *wire.Record) { r.Subject.Type = "=cmd()" }),
		"nosubject":   good(func(r *wire.Record) { r.Subject = nil }),
		"group":       good(func(r *wire.Record) { r.Group = "a\nb" }),
		"javascript":  good(func(r *wire.Record) { r.Url = "javascript:alert(1)" }),
		"password":    good(func(r *wire.Record) { r.Url = "https://user:pw@example.test/" }),
		"array":       good(func(r *wire.Record) { r.Payload = []byte(`[]`) }),
		"nopayload":   good(func(r *wire.Record) { r.Payload = nil }),
		"broken":      good(func(r *wire.Record) { r.Payload = []byte(`{"a":`) }),
		"twice":       good(func(r *wire.Record) { r.Payload = []byte(`{} {}`) }),
		"payloadutf8": good(func(r *wire.Record) { r.Payload = []byte("{\"a\":\"\xff\"}") }),
		"bignumber":   good(func(r *wire.Record) { r.Payload = []byte(`{"a":9007199254740993}`) }),
		"deep": good(func(r *wire.Record) {
			r.Payload = []byte(`{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`)
		}),
		"toolarge": good(func(r *wire.Record) { r.Payload = []byte(`{"a":"` + strings.Repeat("x", 2<<20) + `"}`) }),
		"secret":   good(func(r *wire.Record) { r.Payload = []byte(`{"a":"` + token + `"}`) }),
		"unchanged": {Item: &wire.Item_Unchanged{Unchanged: &wire.Unchanged{
			Group: "page-1", Count: -5}}},
		"cursor":    cursor("", "x"),
		"cursorbig": cursor("a", strings.Repeat("x", 100<<10)),
		"header":    validator("k", &wire.Validator{Etag: "a\r\nHost: evil"}),
		"memo":      validator("k", &wire.Validator{Memo: make([]byte, 100<<10)}),
		"reason":    gap(&wire.Gap{Kinds: []string{"test.thing"}, Scope: "x", Reason: "bored"}),
		"gapkind":   gap(&wire.Gap{Kinds: []string{"x.y"}, Scope: "x", Reason: "denied"}),
		"gapright":  gap(&wire.Gap{Kinds: []string{"test.thing"}, Scope: "x", Reason: "denied", Permission: "root"}),
		"empty":     {},
	}
}

// lies are ends of a run that do not match the one record sent, by mode.
func lies() map[string]*wire.Done {
	more := counts(1)
	more.Gaps = 1
	unchanged := counts(1)
	unchanged.UnchangedRecords = 100
	other := counts(1)
	other.Records["test.other"] = 4
	word := coverageAll()
	word["test.thing"].Status = "certified"
	extra := coverageAll()
	extra["test.unknown"] = &wire.KindCoverage{Status: "complete"}
	missing := coverageAll()
	delete(missing, "test.other")
	return map[string]*wire.Done{
		"lie-records":   {Coverage: coverageAll(), Counts: counts(1000)},
		"lie-fewer":     {Coverage: coverageAll(), Counts: counts(0)},
		"lie-nothing":   {Coverage: coverageAll()},
		"lie-gaps":      {Coverage: coverageAll(), Counts: more},
		"lie-unchanged": {Coverage: coverageAll(), Counts: unchanged},
		"lie-other":     {Coverage: coverageAll(), Counts: other},
		"lie-calls":     {Coverage: coverageAll(), Counts: counts(1), Calls: &wire.Calls{Requests: -1}},
		"lie-word":      {Coverage: word, Counts: counts(1)},
		"lie-extra":     {Coverage: extra, Counts: counts(1)},
		"lie-missing":   {Coverage: missing, Counts: counts(1)},
	}
}

func (r raw) Collect(req *wire.CollectRequest, stream grpc.ServerStreamingServer[wire.CollectBatch]) error {
	first := []*wire.Item{good(func(*wire.Record) {})}
	if item, ok := badItems()[r.mode]; ok {
		return stream.Send(&wire.CollectBatch{Items: append(first, item, good(func(r *wire.Record) { r.Key = "after" }))})
	}
	if done, ok := lies()[r.mode]; ok {
		return stream.Send(&wire.CollectBatch{Items: first, Done: done})
	}
	if r.mode == "bare" {
		return r.bare(req, stream)
	}
	done := &wire.Done{Coverage: coverageAll(), Counts: counts(1)}
	switch r.mode {
	case "cutoff":
		return stream.Send(&wire.CollectBatch{Items: first})
	case "garbage":
		if err := stream.Send(&wire.CollectBatch{Items: first}); err != nil {
			return err
		}
		return stream.SendMsg(&wire.Validator{Memo: bytes.Repeat([]byte{0xff}, 100), Etag: "not a batch"})
	case "giant":
		if err := stream.Send(&wire.CollectBatch{Items: first}); err != nil {
			return err
		}
		return stream.Send(&wire.CollectBatch{Items: []*wire.Item{
			good(func(r *wire.Record) { r.Payload = make([]byte, 64<<20) })}})
	case "contradiction":
		return r.contradict(stream, first)
	case "goeson":
		if err := stream.Send(&wire.CollectBatch{Items: first, Done: done}); err != nil {
			return err
		}
		return stream.Send(&wire.CollectBatch{Items: first})
	case "lingers":
		if err := stream.Send(&wire.CollectBatch{Items: first, Done: done}); err != nil {
			return err
		}
		<-stream.Context().Done()
		return nil
	case "flood":
		for i := 0; stream.Context().Err() == nil; i++ {
			if err := stream.Send(&wire.CollectBatch{Items: []*wire.Item{
				good(func(r *wire.Record) { r.Key = fmt.Sprint(i) })}}); err != nil {
				return err
			}
		}
	case "heartbeat":
		for stream.Context().Err() == nil {
			if err := stream.Send(&wire.CollectBatch{}); err != nil {
				return err
			}
		}
	case "stderr":
		// A field of an unexpected type, an endless line, and a great many lines.
		stderr := os.NewFile(2, "stderr") // go-plugin has put something else in os.Stderr
		fmt.Fprintln(stderr, `{"@message":1,"@level":{},"@timestamp":[]}`)
		fmt.Fprintln(stderr, `{"@message":"ok","@level":"nonsense","token":"`+token+`","deep":{"a":["`+token+`"]}}`)
		fmt.Fprintln(stderr, strings.Repeat("y", 1<<20))
		for i := range 5000 {
			fmt.Fprintln(stderr, "line", i)
		}
		return stream.Send(&wire.CollectBatch{Items: first, Done: done})
	}
	return nil
}

func (r raw) contradict(stream grpc.ServerStreamingServer[wire.CollectBatch], items []*wire.Item) error {
	c := counts(1)
	c.Gaps = 1
	items = append(items, &wire.Item{Item: &wire.Item_Gap{Gap: &wire.Gap{
		Kinds: []string{"test.thing"}, Scope: "x", Reason: "denied"}}})
	return stream.Send(&wire.CollectBatch{Items: items, Done: &wire.Done{Coverage: coverageAll(), Counts: c}})
}
