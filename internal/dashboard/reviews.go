package dashboard

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) reviewRoutes() []route {
	return []route{
		{pattern: "GET /reviews", needs: access.Read, page: reviews},
		{pattern: "POST /reviews/{id}/accept", needs: access.Approve, page: reviews, act: review(people.Accepted)},
		{pattern: "POST /reviews/{id}/reject", needs: access.Approve, page: reviews, act: review(people.Rejected)},
	}
}

// reviewsData is what was handed in by hand.
type reviewsData struct {
	List []handedLine
	Only string
	All  bool // also what was decided on
}

type handedLine struct {
	service.HandedIn
	Refused string // why whoever asks may not review it
	Look    string // address of what was handed in
}

// handedShown bounds the list.
const handedShown = 200

func reviews(c *call) (*page, error) {
	list, err := c.d.Service.Pile(c.ctx())
	if err != nil {
		return nil, err
	}
	seconds, err := c.seconds()
	if err != nil {
		return nil, err
	}
	d := reviewsData{Only: cmp.Or(c.req.PathValue("id"), c.Query("id")), All: c.Query("all") != ""}
	slices.SortStableFunc(list, func(x, y service.HandedIn) int { return x.At.Compare(y.At) })
	for _, h := range list {
		if d.Only != "" && h.ID != d.Only || d.Only == "" && !d.All && h.State != "pending" || len(d.List) == handedShown {
			continue
		}
		l := handedLine{HandedIn: h, Look: c.lookAt(h)}
		if h.State == "pending" && seconds != nil && c.concerns(h.By) {
			l.Refused = c.refusal(seconds.OfHandedIn(h))
		}
		d.List = append(d.List, l)
	}
	return &page{title: "Evidence handed in", template: "reviews", nav: "/reviews", data: d}, nil
}

// lookAt is where what was handed in can be seen, before it is decided on.
func (c *call) lookAt(h service.HandedIn) string {
	if h.Upload != nil {
		return c.SearchLink("kind", people.KindUpload, "key", h.ID)
	}
	return c.Link("/evidence/" + url.PathEscape(h.SHA256))
}

// review accepts or rejects what somebody else handed in.
func review(decision string) func(*call) (done, error) {
	return func(c *call) (done, error) {
		id := c.req.PathValue("id")
		err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
			_, err := desk.Review(ctx, id, decision, c.Field("note"))
			return err
		})
		return done{withQuery("/reviews", "id", id), decision}, err
	}
}
