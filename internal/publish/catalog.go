package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/yamlfile"
)

// ErrStale: the newest version is another one than was expected. Nothing was published.
var ErrStale = errors.New("another version is the newest")

// WrongError: files cannot be published, for what is wrong with them.
type WrongError struct {
	Count    int                // of the mistakes
	Mistakes []yamlfile.Problem // the first of each file
	files    []string
}

// add adds what is wrong with a file.
func (e *WrongError) add(file string, err error) {
	e.Count += yamlfile.Count(err)
	e.Mistakes = append(e.Mistakes, yamlfile.Problems(err)...)
	e.files = append(e.files, file+err.Error())
}

// Error has a line for each mistake, with its line and member.
func (e *WrongError) Error() string { return strings.Join(e.files, "\n") }

// Catalog is the published catalogue as it was sent, and the number of the version that has
// it; without one there is no content.
func Catalog(ctx context.Context, d *db.DB) (number int64, content []byte, err error) {
	h, err := newest(ctx, d.Read)
	if err == nil && h.number > 0 {
		err = d.Read.QueryRowContext(ctx, "select content from published_contents where hash = $1", h.catalog).Scan(&content)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read the published catalogue: %w", err)
	}
	return h.number, content, nil
}

// PublishCatalog checks and publishes a catalogue on top of the version expected, 0: of any.
// dry: it only checks. The error is ErrStale, a *WrongError, ErrNothing, or the database's.
func (p *Publisher) PublishCatalog(ctx context.Context, goods File, expected int64, dry bool) (*Version, error) {
	return p.onTop(ctx, func(before head) (*Version, error) {
		if expected != 0 && before.number != expected {
			return nil, ErrStale
		}
		if !dry {
			return p.put(ctx, before, nil, &goods)
		}
		if before.shop == "" {
			return nil, ErrNothing
		}
		next := head{before.number + 1, before.shop, goods.hash()}
		return read(ctx, p.DB, next, map[string][]byte{next.catalog: goods.Content})
	})
}
