package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/shop"
)

// diagnose looks at all that a shop with these settings depends on, beside the running one or
// before its start, and prints one page. The error says how much is wrong.
func diagnose(ctx context.Context, e *env) error {
	v := e.problems()
	asJSON := v.onOff("-json", e.doctorJSON)
	c := e.validate(v)
	e.readFiles(v)
	var all []doctor.Finding
	for _, problem := range v.list {
		all = append(all, doctor.Finding{About: "settings", Level: doctor.Wrong, Says: problem.Error(), Do: "give it as serve gets it; without settings nothing else can be looked at"})
	}
	if len(all) == 0 {
		all = append(all, doctor.Finding{About: "settings", Level: doctor.Right, Says: "they are complete, and can be used"})
		found, err := e.examine(ctx, c)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	var err error
	if asJSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(all)
	} else {
		err = printFindings(e.stdout, all)
	}
	if err == nil && !doctor.Healthy(all) {
		err = errors.New("not all is right")
	}
	return err
}

// examine makes the parts that can be made, and has them looked at.
func (e *env) examine(ctx context.Context, c shop.Config) ([]doctor.Finding, error) {
	rdb, err := redisconn.Open(e.redisURL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rdb.Close() }()
	opening, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c.Redis, c.Logger = rdb, slog.New(slog.DiscardHandler)
	var unread error
	d, problem := db.Config{URL: e.databaseURL, Existing: true}.Open(opening)
	if problem == nil {
		defer func() { _ = d.Close() }()
		c.DB = d
		c.Published, unread = publish.Open(opening, d, c.Logger)
	}
	doc, err := shop.NewDoctor(c, problem, unread)
	if err != nil {
		return nil, err
	}
	return doc.Examine(ctx), nil
}

// printFindings prints them by part, the wrong ones so that they are seen.
func printFindings(w io.Writer, all []doctor.Finding) (err error) {
	marks := map[doctor.Level]string{doctor.Right: "ok   ", doctor.Note: "note ", doctor.Wrong: "WRONG"}
	about := ""
	for _, f := range all {
		if f.About != about {
			about = f.About
			_, _ = fmt.Fprintln(w, about)
		}
		_, err = fmt.Fprintf(w, "  %s  %s\n", marks[f.Level], f.Says)
		if f.Do != "" {
			_, err = fmt.Fprintf(w, "         -> %s\n", f.Do)
		}
	}
	return err
}
