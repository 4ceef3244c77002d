package orderview

import (
	"strings"
	"time"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// Delivery is what is known of how an order comes, beside the name of the way of delivery.
func (v View) Delivery(o order.Order) (facts []templates.Fact) {
	d := o.Delivery
	if o.Erased() {
		return nil
	}
	add := func(key string, lines ...string) {
		if lines = nonEmpty(lines); len(lines) > 0 {
			facts = append(facts, templates.Fact{Name: v.Voice.T(key), Lines: lines})
		}
	}
	add("delivery.at", append([]string{d.PickupLocation.Name}, d.PickupLocation.Address.Lines()...)...)
	add("delivery.carrier", strings.Join(nonEmpty([]string{d.Carrier, d.Product.Name}), ", "))
	add("delivery.when", v.span(d.Timeslot))
	var extras []string
	for _, a := range d.Addons {
		extras = append(extras, strings.Join(nonEmpty([]string{a.Type, a.UserInput}), ": "))
	}
	add("delivery.extras", extras...)
	add("delivery.reference", d.TMSReference)
	return facts
}

// span is from when to when: "17:00–21:00", with the day where it is told.
func (v View) span(slot klarna.Timeslot) string {
	start, end := v.moment(slot.Start), v.moment(slot.End)
	if day, clock, told := strings.Cut(end, ", "); told && strings.HasPrefix(start, day) {
		end = clock
	}
	return strings.Join(nonEmpty([]string{start, end}), "–")
}

// moment is a time as Klarna tells it, for people: with a day, where the shop is; else as it came.
func (v View) moment(text string) string {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(form, text, v.Version.Shop.Zone); err == nil {
			t = t.In(v.Version.Shop.Zone)
			return i18n.Date(v.Voice.Lang, t) + ", " + t.Format("15:04")
		}
	}
	return text
}

func nonEmpty(lines []string) []string {
	var some []string
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			some = append(some, line)
		}
	}
	return some
}
