package fakeklarna

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/money"
)

// orderRow is one order on the page of orders.
type orderRow struct {
	ID, Status, Country, Amount, Changed string
	Done                                 bool
}

// serveFakePage serves the list of orders for people; the same is JSON at
// /fake/orders.
func (s *Server) serveFakePage(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := make([]orderRow, 0, len(s.newest))
	for _, o := range slices.Backward(s.newest) {
		v := s.inspect(o)
		status := v.Status
		if v.Fake.Expired {
			status += ", expired"
		}
		amount := money.FormatExact(money.Amount(v.OrderAmount), money.Currency(strings.ToUpper(v.PurchaseCurrency)), "en-GB")
		rows = append(rows, orderRow{
			ID:      v.OrderID,
			Status:  status,
			Country: strings.ToUpper(v.PurchaseCountry),
			Amount:  amount,
			Changed: clockTime(o.Modified),
			Done:    v.Status == StatusComplete,
		})
	}
	s.servePage(w, pageCSP, "fake.html", map[string]any{
		"Assets":   assetVersion,
		"Clock":    clockTime(s.now()),
		"Offset":   offsetText(s.offset),
		"Orders":   rows,
		"URL":      s.publicURL(),
		"Username": s.o.Username,
	})
}

func clockTime(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05") + " UTC" }

// offsetText returns how far the fake's clock was moved, such as "+49 h", "" if
// it was not.
func offsetText(d time.Duration) string {
	minutes := int64(d.Round(time.Minute) / time.Minute)
	switch h, m := minutes/60, minutes%60; {
	case minutes == 0:
		return ""
	case m == 0:
		return fmt.Sprintf("+%d h", h)
	case h == 0:
		return fmt.Sprintf("+%d min", m)
	default:
		return fmt.Sprintf("+%d h %d min", h, m)
	}
}
