package order

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Shipment is goods on their way: a thing of the book, apart from captures. It can
// be corrected here; Klarna has only ever been told more.
type Shipment struct {
	ID             string         `json:"id"` // within the order: "1", "2" …
	OrderLines     []ShipmentLine `json:"order_lines,omitempty"`
	Carrier        string         `json:"carrier,omitempty"`
	TrackingNumber string         `json:"tracking_number,omitempty"`
	TrackingURI    string         `json:"tracking_uri,omitempty"`
	DeliveryMethod string         `json:"delivery_method,omitempty"` // one of ordermanagement.ShippingMethods
	ShippedAt      time.Time      `json:"shipped_at,omitzero"`

	CaptureID string `json:"capture_id,omitempty"` // with which Klarna was told; "": with the order as a whole
	// Told is what Klarna has of it, the newest last.
	Told []ordermanagement.ShippingInfo `json:"told,omitempty"`
	// Seen: it was first seen at Klarna, which does not say what is in it.
	Seen bool `json:"seen,omitempty"`
}

// ShipmentLine is how many of a line are in a shipment; ID is the line's.
type ShipmentLine struct {
	ID       string `json:"id"`
	Quantity int64  `json:"quantity"`
}

// Info is what Klarna is told of a shipment.
func (s Shipment) Info() ordermanagement.ShippingInfo {
	return ordermanagement.ShippingInfo{
		ShippingCompany: s.Carrier, ShippingMethod: s.DeliveryMethod, TrackingNumber: s.TrackingNumber, TrackingURI: s.TrackingURI,
	}
}

// Infos are what Klarna is told of shipments.
func Infos(shipments []Shipment) []ordermanagement.ShippingInfo {
	var infos []ordermanagement.ShippingInfo
	for _, s := range shipments {
		infos = append(infos, s.Info())
	}
	return infos
}

// Back is the way back, as far as Klarna was told one.
func (s Shipment) Back() (carrier, number, uri string) {
	if len(s.Told) == 0 {
		return "", "", ""
	}
	told := s.Told[len(s.Told)-1]
	return told.ReturnShippingCompany, told.ReturnTrackingNumber, told.ReturnTrackingURI
}

// outward reports whether goods are in a shipment. Of one that was seen at Klarna only the way back may be told.
func (s Shipment) outward() bool {
	carrier, number, uri := s.Back()
	return len(s.OrderLines) > 0 || s.Carrier+s.TrackingNumber+s.TrackingURI != "" || carrier+number+uri == ""
}

// Shipment returns the order's shipment with an ID; false when it has none.
func (o Order) Shipment(id string) (Shipment, bool) {
	i := slices.IndexFunc(o.Shipments, func(s Shipment) bool { return s.ID == id })
	if i < 0 {
		return Shipment{}, false
	}
	return o.Shipments[i], true
}

// Shipped is how many of a line are in shipments, but one; "" leaves none out.
func (o Order) Shipped(lineID, but string) (n int64) {
	for _, s := range o.Shipments {
		if s.ID != but {
			n += s.Holds(lineID)
		}
	}
	return n
}

// Holds is how many of a line are in the shipment.
func (s Shipment) Holds(lineID string) (n int64) {
	for _, line := range s.OrderLines {
		if line.ID == lineID {
			n += line.Quantity
		}
	}
	return n
}

// Held is how many of a line are in the parcels of a capture or ("") of the order as a whole, as far as
// anybody said.
func (o Order) Held(captureID, lineID string) (n int64) {
	for _, s := range o.Shipments {
		if strings.EqualFold(s.CaptureID, captureID) {
			n += s.Holds(lineID)
		}
	}
	return n
}

// hasParcel reports whether a parcel of a capture is known.
func (o Order) hasParcel(captureID string) bool {
	return slices.ContainsFunc(o.Shipments, func(s Shipment) bool { return strings.EqualFold(s.CaptureID, captureID) && s.outward() })
}

// heldUnsaid reports whether goods that were captured without a parcel, in a revision, are in one of the
// order as a whole of which nobody said what is in it. Goods are captured when they are sent: so in it is
// what was captured until it came, and where nothing was, all of the order.
func (o Order) heldUnsaid(captured int64) bool {
	first := int64(math.MaxInt64)
	for _, c := range o.Captures {
		if !o.hasParcel(c.CaptureID) {
			first = min(first, o.Came[ofKlarna(c.CaptureID)])
		}
	}
	return slices.ContainsFunc(o.Shipments, func(s Shipment) bool {
		came := o.Came[ofShipment(s.ID)]
		return s.CaptureID == "" && len(s.OrderLines) == 0 && s.outward() && (captured <= came || came < first)
	})
}

// ToCome is how many of a line its buyer still waits for: goods that are open, and in no parcel ahead of
// their capture. What was captured was sent, whatever was refunded of it.
func (o Order) ToCome(l LineState) int64 {
	switch {
	case !l.Line.IsGoods(), o.heldUnsaid(math.MaxInt64), o.Free() && l.Line.Type == klarna.Digital: // nothing says when that comes
		return 0
	}
	ahead, whole := int64(0), o.Held("", l.ID)
	for _, c := range o.Captures {
		captured := o.CapturedWith(c.CaptureID)[l.ID]
		if o.hasParcel(c.CaptureID) {
			ahead += max(o.Held(c.CaptureID, l.ID)-captured, 0)
		} else {
			whole -= captured
		}
	}
	return max(o.unsent(l)-ahead-max(whole, 0), 0)
}

// SurelyToCome is ToCome of what is known not to have been sent: not of what may have been captured as
// an amount.
func (o Order) SurelyToCome(l LineState) int64 {
	return max(min(o.ToCome(l), o.unsent(l)-l.Unknown), 0)
}

// unsent is what of a line no capture says that it was sent. Of an order for which nothing was to be paid
// none says anything.
func (o Order) unsent(l LineState) int64 {
	if o.Free() {
		return l.Line.Quantity
	}
	return l.Open.Quantity
}

// Shippable reports whether goods of the order may be sent: not while Klarna checks, nor after
// it has refused what was not captured all the same, nor where the order was cancelled or
// has expired before anything was captured, nor where it was erased: nobody knows whereto.
func (o Order) Shippable() bool {
	return !o.Erased() && !o.Pending() && !o.condemned() && o.Status != ordermanagement.Cancelled &&
		(o.Status != ordermanagement.Expired || o.CapturedAmount > 0)
}

// ToShip reports whether goods are still to be sent, and may be, beyond what parcels may hold of
// which nobody said what is in them.
func (o Order) ToShip() bool {
	return o.Shippable() && slices.ContainsFunc(o.Lines(), func(l LineState) bool {
		return l.Line.Type == klarna.Physical && o.toPack(l, o.Shipped(l.ID, "")+o.unsaid(l)) > 0
	})
}

// ToPack is how many of a line are still to be sent, as far as anybody said: what is open
// or captured, less what is in a shipment and less what was refunded before it was. What
// was refunded and put back in stock had been sent, as far as shipments say.
func (o Order) ToPack(l LineState) int64 { return o.toPack(l, o.Shipped(l.ID, "")) }

// toPack is ToPack of a line of which so many were sent. What is captured goes first, and it alone is refunded.
func (o Order) toPack(l LineState, sent int64) int64 {
	unsent := l.Captured - sent // below 0: so many of what is open are in parcels
	n := max(max(unsent, 0)-l.Refunded+min(l.Restocked, sent), 0)
	if !over(o.Status) {
		n += max(min(l.Open.Quantity, l.Line.Quantity)+min(unsent, 0), 0)
	}
	return n
}

// unsaid is how many of a line parcels may hold of which nobody said what is in them: what the other
// parcels of their capture do not, of the order as a whole what is captured and in no parcel.
func (o Order) unsaid(l LineState) (n int64) {
	left, counted := max(l.Captured-o.Shipped(l.ID, ""), 0), map[string]bool{}
	for _, s := range o.Shipments {
		if len(s.OrderLines) > 0 || !s.outward() {
			continue
		}
		c, _ := o.Capture(s.CaptureID)
		if len(c.OrderLines) == 0 {
			return left
		}
		if id := ofKlarna(c.CaptureID); !counted[id] {
			counted[id] = true
			n += max(o.CapturedWith(id)[l.ID]-o.Held(id, l.ID), 0)
		}
	}
	return min(n, left)
}

// Ship adds shipments of which Klarna was told at a time, with a capture or ("")
// with the order as a whole. One that was seen at Klarna meanwhile is the same.
func (o *Order) Ship(shipments []Shipment, captureID string, at time.Time) {
	for _, s := range shipments {
		s.CaptureID, s.ShippedAt, s.Told = captureID, at, o.told(s.Info())
		o.addShipment(s)
	}
}

// told is what Klarna has when it was told something: nothing where it never saw the order.
func (o *Order) told(info ordermanagement.ShippingInfo) []ordermanagement.ShippingInfo {
	if o.Free() {
		return nil
	}
	return []ordermanagement.ShippingInfo{info}
}

func (o *Order) addShipment(s Shipment) {
	o.Shipments = slices.Clone(o.Shipments)
	i := slices.IndexFunc(o.Shipments, func(there Shipment) bool {
		return there.Seen && strings.EqualFold(there.CaptureID, s.CaptureID) && slices.Contains(there.Told, s.Told[0])
	})
	if i < 0 {
		s.ID = "1"
		if n := len(o.Shipments); n > 0 {
			last, _ := strconv.Atoi(o.Shipments[n-1].ID)
			s.ID = strconv.Itoa(last + 1)
		}
		o.Shipments = append(o.Shipments, s)
		return
	}
	s.ID = o.Shipments[i].ID
	o.Shipments[i] = s
}

// Correct makes a shipment what it says now, and keeps what Klarna was told before.
func (o *Order) Correct(s Shipment) {
	info := s.Info()
	o.Shipments = slices.DeleteFunc(slices.Clone(o.Shipments), func(there Shipment) bool { // the correction itself, seen at Klarna meanwhile
		return there.Seen && there.ID != s.ID && strings.EqualFold(there.CaptureID, s.CaptureID) && slices.Contains(there.Told, info)
	})
	for i := range o.Shipments {
		if there := &o.Shipments[i]; there.ID == s.ID {
			s.CaptureID, s.ShippedAt, s.Told = there.CaptureID, there.ShippedAt, slices.Clone(there.Told)
			if !slices.Contains(s.Told, info) {
				s.Told = append(s.Told, o.told(info)...)
			}
			*there = s
		}
	}
}

// see adds the shipments that Klarna has and the book does not.
func (o *Order) see(now time.Time) {
	look := func(captureID string, at time.Time, infos []ordermanagement.ShippingInfo) {
		for _, info := range infos {
			if slices.ContainsFunc(o.Shipments, func(s Shipment) bool {
				return strings.EqualFold(s.CaptureID, captureID) && slices.Contains(s.Told, info)
			}) {
				continue
			}
			o.addShipment(Shipment{
				Carrier: info.ShippingCompany, TrackingNumber: info.TrackingNumber, TrackingURI: info.TrackingURI, DeliveryMethod: info.ShippingMethod,
				ShippedAt: at, CaptureID: captureID, Told: []ordermanagement.ShippingInfo{info}, Seen: true,
			})
		}
	}
	look("", now, o.ShippingInfo)
	for _, c := range o.Captures {
		look(c.CaptureID, c.CapturedAt.Time, c.ShippingInfo)
	}
}
