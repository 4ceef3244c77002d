package order

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/klarna"
)

// namesOf are the merchant's IDs of lines, by ours. A line of the session that has become
// several, one for each rate of tax, names all of them: "2", "2:2".
func namesOf(lines []klarna.OrderLine, session []checkoutsession.Line) map[string]string {
	used := make([]int, len(session))
	var names map[string]string
	for i, id := range LineIDs(lines) {
		of := -1
		for j, s := range session {
			same := s.Reference == lines[i].Reference && (s.Type == "" || s.Type == lines[i].Type && s.Name == lines[i].Name)
			if same && (of < 0 || used[of] > 0) && (used[j] == 0 || of < 0 && s.Type == klarna.Discount) {
				of = j
			}
		}
		if of < 0 {
			continue
		}
		name := session[of].ID
		if used[of]++; used[of] > 1 {
			name += ":" + strconv.Itoa(used[of])
		}
		if names == nil {
			names = map[string]string{}
		}
		names[id] = name
	}
	return names
}

// LineName is what the API calls a line of the order: the merchant's own ID, else ours.
func (o Order) LineName(id string) string { return cmp.Or(o.LineNames[id], id) }

// LineOf is the ID of the line that one at another price is of; "" where it is of no line any more.
func (o Order) LineOf(part klarna.OrderLine) string {
	i := find(o.OrderLines, part)
	if i < 0 {
		return ""
	}
	return o.LineIDs()[i]
}

// UpdatedAt is when orders were written last, by their IDs. The error is ErrUnavailable.
func (b *Book) UpdatedAt(ctx context.Context, orders ...Order) (map[string]time.Time, error) {
	at := make(map[string]time.Time, len(orders))
	if len(orders) == 0 {
		return at, nil
	}
	ids := make([]string, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	among, args := db.In(ids)
	_, err := db.All(ctx, b.DB.Read, func(rows *sql.Rows) (id string, err error) {
		var ms int64
		if err = rows.Scan(&id, &ms); err == nil {
			at[id] = time.UnixMilli(ms).UTC()
		}
		return id, err
	}, "select id, updated_at from orders where id "+among, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: read orders: %w", ErrUnavailable, err)
	}
	return at, nil
}
