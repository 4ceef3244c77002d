package main

import (
	"context"
	"fmt"

	"github.com/shopd/shopd/internal/api"
)

// newKey prints a new key of the API and the line that lets it in.
func newKey(_ context.Context, e *env) error {
	key, line, err := api.NewKey(e.args[0], e.args[1])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s\n%s\n", key, line)
	return err
}
