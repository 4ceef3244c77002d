package engine

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Sentence says what a rule does: "The next 2 POST calls to
// /checkout/v3/orders/* are answered 500."
func (f *Fault) Sentence() string {
	one := f.Count == 1 || f.Count == -1
	words := []string{"The next"}
	switch {
	case f.Count == -1:
		words = []string{"Every"}
	case !one:
		words = append(words, strconv.Itoa(f.Count))
	}
	if kind := cmp.Or(f.Method, f.Callback); kind != "" && kind != "*" {
		words = append(words, kind)
	}
	noun := "call"
	if f.Callback != "" {
		noun = "callback"
	}
	if !one {
		noun += "s"
	}
	words = append(words, noun)
	if f.Path != "" {
		words = append(words, "to", f.Path)
	}
	if f.OrderID != "" {
		words = append(words, "of order", Short(f.OrderID))
	}
	if f.RateLimit > 0 {
		words = append(words, "beyond", strconv.Itoa(f.RateLimit), "a second")
	}
	if f.Probability > 0 && f.Probability < 1 {
		words = append(words, "with a chance of", strconv.FormatFloat(f.Probability*100, 'f', -1, 64), "%")
	}
	return strings.Join(append(words, joined(f.effects(one))), " ") + "."
}

// effects returns the effects of a rule as predicates, for one call or several.
func (f *Fault) effects(one bool) []string {
	var out []string
	add := func(yes bool, singular, plural string) {
		if yes && one {
			out = append(out, singular)
		} else if yes {
			out = append(out, plural)
		}
	}
	before, after := lapse(f.Delay, f.Jitter), lapse(f.DelayAfter, f.JitterAfter)
	add(f.Late, "has its connection reset, lands "+before+" later", "have their connections reset, land "+before+" later")
	add(before != "" && !f.Late, "waits "+before+" first", "wait "+before+" first")
	add(f.Status != 0, fmt.Sprintf("is answered %d", f.Status), fmt.Sprintf("are answered %d", f.Status))
	add(f.Reset, "has its connection reset", "have their connections reset")
	add(after != "", "is stored, then waits "+after+" for its answer", "are stored, then wait "+after+" for their answers")
	add(f.DropReply, "is stored, then loses its answer", "are stored, then lose their answers")
	add(f.Truncate, "gets half of its answer", "get half of their answers")
	add(f.NotJSON, "gets a page of HTML", "get a page of HTML")
	add(f.Drop, "is not sent", "are not sent")
	add(f.Double, "is sent twice", "are sent twice")
	add(f.Reorder, "waits until another one was sent", "wait until another one was sent")
	return out
}

func lapse(d, jitter Duration) string {
	switch {
	case d == 0 && jitter == 0:
		return ""
	case jitter == 0:
		return lapseText(d)
	}
	return lapseText(d) + " to " + lapseText(d+jitter)
}

// lapseText returns a fault's delay, with a space before the unit if there is only one.
func lapseText(d Duration) string {
	text := time.Duration(d).String()
	number := strings.TrimRight(text, "hmsµn")
	if strings.ContainsAny(number, "hms") {
		return text
	}
	return number + " " + text[len(number):]
}

func joined(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
