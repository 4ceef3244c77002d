package fakeklarna

import (
	"encoding/json"
	"fmt"
	"strings"
)

// shownChanges is how many changes one event names.
const shownChanges = 6

// replace gives an order new content and notes the differences.
func (s *checkoutService) replace(o *order, content map[string]json.RawMessage) {
	changes := changesOf(o.Content, content)
	o.Content = content
	s.touch(o)
	if more := len(changes) - shownChanges; more > 0 {
		changes = append(changes[:shownChanges], fmt.Sprintf("%d more", more))
	}
	if len(changes) > 0 {
		s.tellAs("state", o, strings.Join(changes, ", "), nil)
	}
}
